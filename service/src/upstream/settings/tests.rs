use std::fs;

use super::*;

/// The file that `asrs-emulator upstream init` writes.
const WRITTEN: &str = r#"{"UpstreamSettings":{"Templates":[{"UrlTemplate":"http://localhost:7071/runtime/webhooks/signalr","EventPattern":"*","HubPattern":"*","CategoryPattern":"*"}]}}"#;

fn hub(name: &str) -> HubName {
    HubName::parse(name).unwrap()
}

fn with_templates(templates: &str) -> Settings {
    Settings::parse(&format!(r#"{{"UpstreamSettings":{{"Templates":[{templates}]}}}}"#)).unwrap()
}

#[test]
fn the_file_that_asrs_emulator_writes_takes_every_event() {
    let settings = Settings::parse(WRITTEN).unwrap();
    assert_eq!(
        settings,
        Settings::all_to("http://localhost:7071/runtime/webhooks/signalr").unwrap()
    );
    let url = settings.url(&hub("chat"), Category::Messages, "send").unwrap().1.unwrap();
    assert_eq!(url.as_str(), "http://localhost:7071/runtime/webhooks/signalr");
    assert_eq!(Settings::parse(&format!("\u{feff}{}", WRITTEN.to_lowercase())).unwrap(), settings);
}

#[test]
fn without_templates_nothing_is_served() {
    for text in ["{}", r#"{"UpstreamSettings":{}}"#, r#"{"UpstreamSettings":{"Templates":[]}}"#] {
        let settings = Settings::parse(text).unwrap();
        assert!(!settings.serves(&hub("chat")), "{text}");
        assert_eq!(settings.templates(), 0);
    }
}

#[test]
fn the_first_template_that_fits_takes_the_event() {
    let settings = with_templates(
        r#"{"UrlTemplate":"http://a/","HubPattern":"Chat,news","CategoryPattern":"connections"},
           {"UrlTemplate":"http://b/{event}","HubPattern":"chat","EventPattern":"send,join"},
           {"UrlTemplate":"http://c/","HubPattern":"other","EventPattern":null},
           {"UrlTemplate":"http://d/","HubPattern":"news"}"#,
    );
    let url = |name: &str, category, event: &str| {
        settings.url(&hub(name), category, event).and_then(|(_, url)| url.map(String::from))
    };
    let at = |url: &str| Some(url.to_owned());
    assert_eq!(url("chat", Category::Connections, "connected"), at("http://a/"));
    assert_eq!(url("chat", Category::Messages, "send"), at("http://b/send"));
    assert_eq!(url("chat", Category::Messages, "Send"), None);
    assert_eq!(url("news", Category::Connections, "disconnected"), at("http://a/"));
    assert_eq!(url("news", Category::Messages, "send"), at("http://d/"));
    assert_eq!(url("other", Category::Messages, "send"), None);
    assert_eq!(url("sport", Category::Messages, "send"), None);
    for (name, is_served) in [("chat", true), ("news", true), ("other", false), ("sport", false)] {
        assert_eq!(settings.serves(&hub(name)), is_served, "{name}");
    }
}

#[test]
fn a_bad_value_is_named_with_its_template() {
    let template = |fields: &str| {
        format!(
            r#"{{"UpstreamSettings":{{"Templates":[{{"UrlTemplate":"http://a"}},{{{fields}}}]}}}}"#
        )
    };
    let url = r#""UrlTemplate":"http://a","#;
    for (text, part) in [
        ("[]".to_owned(), "the whole must be an object"),
        ("{".to_owned(), "not JSON: "),
        (r#"{"UpstreamSettings":[]}"#.to_owned(), "UpstreamSettings must be an object"),
        (
            r#"{"UpstreamSettings":{"Templates":3}}"#.to_owned(),
            "Templates must be a list or an object",
        ),
        (
            r#"{"UpstreamSettings":{"Templates":{"0":[]}}}"#.to_owned(),
            "Templates[0] must be an object",
        ),
        (r#"{"UpstreamSettings":{"Templates":[3]}}"#.to_owned(), "Templates[0] must be an object"),
        (template(""), "Templates[1].UrlTemplate must be a text"),
        (template(r#""UrlTemplate":7"#), "Templates[1].UrlTemplate must be a text"),
        (template(r#""UrlTemplate":"a/b""#), "Templates[1].UrlTemplate 'a/b' is not a URL"),
        (template(&format!(r#"{url}"HubPattern":7"#)), "Templates[1].HubPattern must be a text"),
        (
            template(&format!(r#"{url}"eventpattern":"""#)),
            "Templates[1].EventPattern '' has an empty",
        ),
        (
            template(&format!(r#"{url}"CategoryPattern":"message""#)),
            "Templates[1].CategoryPattern names 'message', which is not a category",
        ),
    ] {
        let error = Settings::parse(&text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_folder_stands_for_its_file_and_errors_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let error = Settings::read(folder.path()).unwrap_err();
    assert!(matches!(error, SettingsError::Unreadable(..)));
    assert!(error.to_string().contains("settings.json"), "{error}");
    let error = Settings::read("/dev/zero".as_ref()).unwrap_err();
    let SettingsError::Unreadable(path, cause) = error else { panic!("{error}") };
    assert!(path.as_os_str() == "/dev/zero" && cause.to_string().starts_with("it is a device; "));
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, "{").unwrap();
    let error = Settings::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("settings.json: not JSON"), "{error}");
    fs::write(&path, WRITTEN).unwrap();
    assert_eq!(Settings::read(folder.path()).unwrap(), Settings::read(&path).unwrap());
}

#[test]
fn all_that_dotnets_reader_takes_is_taken() {
    let two = with_templates(
        r#"{"UrlTemplate":"http://a/","HubPattern":"chat"},{"UrlTemplate":"http://b/"}"#,
    );
    for text in [
        r#"// Where events go
           {"UpstreamSettings": {"Templates": [ /* the first */
               {"UrlTemplate": "http://a/", "HubPattern": "chat",},
               {"urltemplate": "http://b/"}, // the rest
           ],},}"#,
        r#"{"UpstreamSettings":{"Templates":{"10":{"UrlTemplate":"http://b/"},
            "9":{"UrlTemplate":"http://a/","HubPattern":"chat"}}}}"#,
        r#"{"UpstreamSettings":{"Templates":{"b":{"UrlTemplate":"http://b/"},
            "A":{"UrlTemplate":"http://a/","HubPattern":"chat"}}}}"#,
        r#"{"UPSTREAMSETTINGS:templates:0:UrlTemplate":"http://a/",
            "UpstreamSettings:Templates:0":{"HubPattern":"chat"},
            "UpstreamSettings":{"Templates:1:UrlTemplate":"http://b/"}}"#,
    ] {
        assert_eq!(Settings::parse(text).unwrap(), two, "{text}");
    }
    for bad in ["{'a':1}", "{a:1}", r#"{"a":1 "b":2}"#, r#"{"a":0x1}"#] {
        assert!(matches!(Settings::parse(bad), Err(SettingsError::NotJson(_))), "{bad}");
    }
}

#[test]
fn a_template_is_shown_without_what_may_be_a_key() {
    let settings = with_templates(
        r#"{"UrlTemplate":"http://a/{event}?code=secret","HubPattern":"Chat,x","EventPattern":null}"#,
    );
    let lines: Vec<_> = settings.lines().collect();
    assert_eq!(lines, ["http://a/{event} (hub chat,x, category *, event none)"]);
}
