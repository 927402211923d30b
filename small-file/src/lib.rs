//! Files that somebody else names and writes: settings, certificates, keys. What is no such file is
//! refused before it is read, so that a pipe or a device holds nothing up and fills nothing.

#![warn(missing_docs)]

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    path::Path,
};

/// The most bytes that a file may have: 1 MiB. Certificates have some thousands, and the authorities of
/// a whole system about a quarter of this.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Reads a regular file of at most [`MAX_BYTES`], or one that a link leads to.
///
/// ```no_run
/// let settings = signalr_small_file::read("settings.json".as_ref())?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// What the operating system says; or what the path leads to, or how large it is, and what would do.
/// The text is for the name of the file in front.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(refused(format!("it is {}", kind(metadata.file_type()))));
    }
    if metadata.len() > MAX_BYTES {
        return Err(too_large(&format!("{}", metadata.len())));
    }
    // It may grow meanwhile, and some systems do not know how large it is.
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large("more"));
    }
    Ok(bytes)
}

fn too_large(bytes: &str) -> io::Error {
    refused(format!("it has {bytes} bytes"))
}

fn refused(found: String) -> io::Error {
    let text = format!("{found}; name a regular file of at most {MAX_BYTES} bytes");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(unix)]
fn kind(file: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    if file.is_dir() {
        "a folder"
    } else if file.is_fifo() {
        "a pipe"
    } else if file.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn kind(file: FileType) -> &'static str {
    if file.is_dir() { "a folder" } else { "no file" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(path: &Path) -> String {
        read(path).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for size in [0, 1, 1024 * 1024] {
            fs::write(&path, vec![7; size]).unwrap();
            assert_eq!(read(&path).unwrap().len(), size);
        }
        fs::write(&path, vec![7; 1024 * 1024 + 1]).unwrap();
        let expected = "it has 1048577 bytes; name a regular file of at most 1048576 bytes";
        assert_eq!(problem(&path), expected);
    }

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(problem(folder.path()).starts_with("it is a folder; name a regular file"));
        let error = read(&folder.path().join("absent")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_a_device_and_a_link_to_one_hold_nothing_up() {
        use std::{os::unix::fs::symlink, process::Command};

        let folder = tempfile::tempdir().unwrap();
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink("/dev/zero", &link).unwrap();
        assert!(problem(&pipe).starts_with("it is a pipe; "));
        assert!(problem(&link).starts_with("it is a device; "));
        fs::remove_file(&link).unwrap();
        fs::write(folder.path().join("file"), "text").unwrap();
        symlink("file", &link).unwrap();
        assert_eq!(read(&link).unwrap(), b"text");
    }
}
