//! How many requests are in flight to a web server; it is in this process and listens on loopback.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use crate::place::Place;

/// The requests for chunks that wait for an answer.
#[derive(Debug, Default)]
struct Waiting {
    n: usize,
    n_max: usize,
    /// How many were answered, of which none is before `wanted` were there at once.
    n_answered: usize,
}

/// Shows a directory, and answers nothing about chunks before many requests have come.
struct Server {
    address: SocketAddr,
    waiting: Arc<(Mutex<Waiting>, Condvar)>,
}

impl Server {
    fn new(folder: PathBuf, wanted: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let waiting = Arc::new((Mutex::default(), Condvar::new()));
        let shared = Arc::clone(&waiting);
        // Ends with the process, as do the threads that serve.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (folder, waiting) = (folder.clone(), Arc::clone(&shared));
                thread::spawn(move || serve(&stream, &folder, &waiting, wanted));
            }
        });
        Self { address, waiting }
    }

    fn n_in_flight_max(&self) -> usize {
        self.waiting.0.lock().unwrap().n_max
    }
}

/// Answers one request and closes the connection.
fn serve(mut stream: &TcpStream, folder: &Path, waiting: &(Mutex<Waiting>, Condvar), wanted: usize) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    for line in lines {
        if line.is_empty() {
            break;
        }
    }
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = folder.join(target.trim_start_matches('/'));
    let is_chunk = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit));
    if is_chunk {
        gather(waiting, wanted);
    }
    let (status, body) = match fs::read(path) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let body = if method == "HEAD" { &[] } else { body.as_slice() };
    // Whoever has gone does not want the answer.
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
}

/// Waits until enough requests wait; the next as many begin anew.
fn gather((waiting, has_come): &(Mutex<Waiting>, Condvar), wanted: usize) {
    let mut now = waiting.lock().unwrap();
    now.n += 1;
    now.n_max = now.n_max.max(now.n);
    has_come.notify_all();
    let batch = (now.n + now.n_answered - 1) / wanted + 1;
    let is_short = |now: &mut Waiting| now.n + now.n_answered < batch * wanted;
    // So long only a test that fails waits.
    let patience = Duration::from_secs(60);
    let (mut now, _) = has_come.wait_timeout_while(now, patience, is_short).unwrap();
    now.n -= 1;
    now.n_answered += 1;
}

#[test]
fn as_many_requests_are_in_flight_as_are_asked_for() {
    let place = Place::with_arrays();
    place.done("save g.zarr x=x.npy --chunks 1");
    let expected = place.done("load g.zarr/x");
    for wanted in [3, 6] {
        let server = Server::new(place.path(""), wanted);
        let url = format!("http://{}/g.zarr/x", server.address);
        let loaded = place.done(&format!("load {url} --threads 1 --requests {wanted}"));
        assert_eq!(loaded, expected);
        assert_eq!(server.n_in_flight_max(), wanted);
    }
}

#[test]
fn what_a_web_server_cannot_list_is_found_by_consolidated_metadata() {
    for format in ["2", "3"] {
        let place = Place::with_group();
        place.done(&format!("copy-all g.zarr h.zarr --zarr-format {format}"));
        place.done(&format!(
            "create h.zarr/sub/gaps --shape 4 --chunks 2 --dtype int32 --fill-value 7 --zarr-format {format}"
        ));
        let server = Server::new(place.path(""), 1);
        let url = format!("http://{}/h.zarr", server.address);
        // Arrays are opened by their documents.
        assert_eq!(place.done(&format!("load {url}/x")), "[0 1 2 3 4 5]\n");
        let why = ["listing the keys of a web server", "consolidated metadata"];
        place.refused(&format!("tree {url}"), 5, &why);
        place.refused(&format!("copy-all {url} i.zarr"), 5, &why);

        place.done("consolidate h.zarr");
        for verb in ["tree", "ls", "digest"] {
            let expected = place.done(&format!("{verb} h.zarr"));
            assert_eq!(place.done(&format!("{verb} {url}")), expected);
        }
        place.refused(&format!("tree {url} --consolidated never"), 5, &why);
        let info = place.done(&format!("info {url}/sub/gaps"));
        assert!(info.contains("Chunks initialized : ?/2"), "{info}");
        assert!(!info.contains("Stored"), "{info}");
        let info = place.done(&format!("info {url}/x --json"));
        assert!(info.contains(r#""n_chunks_initialized":null"#), "{info}");

        for copy in ["", " --keep-codecs", " --zarr-format 2", " --zarr-format 3"] {
            place.done(&format!("copy-all {url} i.zarr --if-exists replace{copy}"));
            place.done(&format!("diff {url} i.zarr"));
        }
        let gaps = place.done("info i.zarr/sub/gaps");
        assert!(gaps.contains("Chunks initialized : 0/2"), "{gaps}");
    }
}
