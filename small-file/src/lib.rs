//! Reads small files that a user names: settings, certificates, keys. Anything else, such as a pipe
//! or a device, is refused before it is read. So it cannot block the program or fill its memory.

#![warn(missing_docs)]

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    path::Path,
};

/// The most bytes that a file may have: 1 MiB. A certificate has a few thousand bytes. The authorities
/// of a whole system have about a quarter of 1 MiB.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Reads a regular file of at most [`MAX_BYTES`]. It follows links.
///
/// ```no_run
/// let settings = signalr_small_file::read("settings.json".as_ref())?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// The error of the operating system, or a text with the kind of thing at the path or the size of the
/// file, and with the remedy. Callers put the file's name before the text.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(refused(format!("it is {}", kind(metadata.file_type()))));
    }
    if metadata.len() > MAX_BYTES {
        return Err(too_large(&format!("{}", metadata.len())));
    }
    // The file may grow meanwhile, and some files report no size.
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
