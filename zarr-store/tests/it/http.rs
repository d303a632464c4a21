//! What a web server answers, and what becomes of it; the server is in this process and listens on loopback.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use zarr_store::{ByteRange, HttpOptions, HttpStore, ReadBuffer, Store, StoreError, StoreExt, StorePrefix};

use crate::{get, key};

/// A request: its first line and its headers, with names in lower case.
#[derive(Debug, Clone, Default)]
struct Request {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
}

impl Request {
    /// The bytes that are asked for of a value of so many.
    fn range(&self, size: usize) -> Option<Result<(usize, usize), ()>> {
        let range = self.headers.get("range")?.strip_prefix("bytes=")?;
        let (first, last) = range.split_once('-')?;
        let last_byte = size.wrapping_sub(1);
        let (first, last) = if first.is_empty() {
            (size.saturating_sub(last.parse().ok()?), last_byte)
        } else {
            (
                first.parse().ok()?,
                last.parse::<usize>().unwrap_or(last_byte).min(last_byte),
            )
        };
        Some(if first < size { Ok((first, last)) } else { Err(()) })
    }
}

type Answer = dyn Fn(&Request) -> Vec<u8> + Send + Sync;

/// Answers requests until it is dropped, and remembers them.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    fn new(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let answer: Arc<Answer> = Arc::new(answer);
        let (all, over) = (Arc::clone(&seen), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                serve(&stream.unwrap(), &all, answer.as_ref());
            }
        });
        Self {
            address,
            seen,
            is_over,
            thread: Some(thread),
        }
    }

    fn url(&self) -> String {
        format!("http://{}/data/x.zarr", self.address)
    }

    fn store(&self) -> HttpStore {
        HttpStore::with_options(&self.url(), without_pauses()).unwrap()
    }

    fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // The connection wakes the thread.
        drop(TcpStream::connect(self.address));
        self.thread.take().map(thread::JoinHandle::join);
    }
}

fn without_pauses() -> HttpOptions {
    HttpOptions {
        pause: Duration::ZERO,
        ..HttpOptions::default()
    }
}

/// Answers one request and closes the connection.
fn serve(stream: &TcpStream, seen: &Mutex<Vec<Request>>, answer: &Answer) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let mut words = first.split(' ').map(str::to_owned);
    let mut request = Request {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        headers: BTreeMap::new(),
    };
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ") {
            request
                .headers
                .insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    seen.lock().unwrap().push(request.clone());
    let mut stream = stream;
    // Whoever has gone does not want the answer.
    let _ = stream.write_all(&answer(&request));
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn sized(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    response(
        status,
        &format!("{headers}Content-Length: {}\r\n", body.len()),
        body,
    )
}

const VALUE: &[u8] = b"0123456789";

/// One value at every key that ends in `there`.
fn plain(request: &Request) -> Vec<u8> {
    if !request.target.ends_with("there") {
        return sized("404 Not Found", "", b"no such file");
    }
    if request.method == "HEAD" {
        return response("200 OK", "Content-Length: 10\r\n", b"");
    }
    sized("200 OK", "", VALUE)
}

fn with_ranges(request: &Request) -> Vec<u8> {
    match request.range(VALUE.len()) {
        _ if request.method == "HEAD" || !request.target.ends_with("there") => plain(request),
        None => plain(request),
        Some(Err(())) => sized("416 Range Not Satisfiable", "Content-Range: bytes */10\r\n", b""),
        Some(Ok((first, last))) => {
            let header = format!("Content-Range: bytes {first}-{last}/10\r\n");
            sized("206 Partial Content", &header, &VALUE[first..=last])
        }
    }
}

#[test]
fn parts_are_read_from_servers_with_ranges_and_without() {
    for server in [Server::new(with_ranges), Server::new(plain)] {
        let store = server.store();
        let part = |offset, length| ByteRange::Part { offset, length };
        let suffix = |length| ByteRange::Suffix { length };
        let mut buffer = ReadBuffer::with_limit(20);
        let ranges = [
            suffix(3),
            part(2, 4),
            part(0, 0),
            part(10, 0),
            suffix(10),
            suffix(0),
        ];
        assert!(store.get_ranges(&key("there"), &ranges, &mut buffer).unwrap());
        let parts: Vec<&[u8]> = (0..buffer.len()).map(|index| buffer.part(index)).collect();
        assert_eq!(parts, [&b"789"[..], b"2345", b"", b"", VALUE, b""]);
        for range in [
            part(0, 11),
            part(11, 0),
            part(12, 1),
            part(u64::MAX, 2),
            suffix(11),
        ] {
            let result = store.get_ranges(&key("there"), &[range], &mut buffer);
            assert!(
                matches!(result, Err(StoreError::OutOfRange { size: 10, .. })),
                "{range:?}: {result:?}"
            );
            assert!(!store.get_ranges(&key("gone"), &[range], &mut buffer).unwrap());
        }
        assert!(
            store
                .get_ranges(&key("there"), &[part(1, 2), ByteRange::All], &mut buffer)
                .unwrap()
        );
        assert_eq!((buffer.part(0), buffer.part(1)), (&b"12"[..], VALUE));
        assert!(store.get_ranges(&key("there"), &[], &mut buffer).unwrap());
        assert!(buffer.is_empty());
        assert_eq!(
            (get(&store, "gone"), store.size(&key("gone")).unwrap()),
            (None, None)
        );
        assert_eq!(store.size(&key("there")).unwrap(), Some(10));
    }
}

#[test]
fn a_value_over_the_limit_is_refused_before_it_is_read() {
    let server = Server::new(|request| match request.target.as_str() {
        // What claims to be huge is not read, and what does not say its size is read up to the limit.
        target if target.ends_with("claims") => response("200 OK", "Content-Length: 1000000000000\r\n", b"x"),
        target if target.ends_with("unsaid") => response("200 OK", "", &[0; 100]),
        _ => plain(request),
    });
    let store = server.store();
    for name in ["claims", "unsaid", "there"] {
        let error = store.get(&key(name), 9).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { limit: 9, .. }), "{error}");
    }
    assert_eq!(store.get(&key("unsaid"), 100).unwrap().unwrap().len(), 100);
    let huge = ByteRange::Part {
        offset: 0,
        length: 1 << 50,
    };
    let mut buffer = ReadBuffer::with_limit(9);
    let error = store.get_ranges(&key("there"), &[huge], &mut buffer).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
}

#[test]
fn a_body_is_read_as_far_as_it_is_wanted_and_no_further_than_may_be() {
    const SENT: usize = 4 << 20;
    // Of a server that takes no notice of ranges and does not say how much will come, as if it never ended.
    let server = Server::new(|request| {
        let headers = if request.target.ends_with("gzip") {
            "Content-Encoding: gzip\r\n"
        } else {
            ""
        };
        // Empty members of gzip, from which nothing ever comes out.
        let empty = [31, 139, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        match (request.method.as_str(), headers) {
            ("HEAD", _) => response("200 OK", headers, b""),
            (_, "") => response("200 OK", headers, &vec![7; SENT]),
            _ => response("200 OK", headers, &empty.repeat(SENT / empty.len())),
        }
    });
    let options = HttpOptions {
        body_size_max: SENT as u64 - 1000,
        ..without_pauses()
    };
    let store = HttpStore::with_options(&server.url(), options).unwrap();
    let mut buffer = ReadBuffer::new();
    let near = ByteRange::Part { offset: 2, length: 4 };
    assert!(store.get_ranges(&key("there"), &[near], &mut buffer).unwrap());
    assert_eq!((buffer.part(0), buffer.value_size()), (&[7; 4][..], None));

    let (far, end) = (
        ByteRange::Part {
            offset: SENT as u64 - 8,
            length: 8,
        },
        ByteRange::Suffix { length: 8 },
    );
    let before = server.seen().len();
    let mut errors = Vec::new();
    for name in ["there", "gzip"] {
        for range in [far, end, ByteRange::All] {
            errors.push(store.get_ranges(&key(name), &[range], &mut buffer).unwrap_err());
        }
        errors.push(store.size(&key(name)).unwrap_err());
    }
    for error in &errors {
        let cause = std::error::Error::source(error).unwrap().to_string();
        assert_eq!(cause, "the server sends more than 4193304 bytes", "{error}");
    }
    let asked = server.seen();
    let asked = asked[before..].iter().filter(|request| request.method == "GET");
    assert_eq!(asked.count(), errors.len(), "asking again would not help");

    // What may be sent is read to its end.
    let store = server.store();
    assert!(store.get_ranges(&key("there"), &[far, end], &mut buffer).unwrap());
    assert_eq!(buffer.value_size(), Some(SENT as u64));
    assert_eq!(store.size(&key("there")).unwrap(), Some(SENT as u64));
}

#[test]
fn only_404_and_410_mean_absent() {
    let server = Server::new(|request| {
        let status = request.target.rsplit('/').next().unwrap_or_default();
        sized(&format!("{status} Words"), "", b"reason")
    });
    let store = server.store();
    for status in ["404", "410"] {
        assert_eq!(get(&store, status), None);
        assert_eq!(store.size(&key(status)).unwrap(), None);
    }
    for (status, attempts) in [
        ("400", 1),
        ("401", 1),
        ("403", 1),
        ("500", 5),
        ("503", 5),
        ("429", 5),
    ] {
        let before = server.seen().len();
        let error = store.get(&key(status), 100).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(status), "{cause}");
        assert!(
            error.to_string().contains(&format!("x.zarr: {status}")),
            "{error}"
        );
        assert_eq!(server.seen().len() - before, attempts, "{status}");
        assert!(store.size(&key(status)).is_err());
    }
}

#[test]
fn what_fails_for_once_is_asked_for_again() {
    let calls = Mutex::new(0);
    let server = Server::new(move |request| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        match *calls {
            1 => sized("503 Busy", "Retry-After: 0\r\n", b""),
            // A body that is cut short, one that breaks in the middle of a piece, and no answer at all.
            2 => response("200 OK", "Content-Length: 10\r\n", b"01234"),
            3 => response("200 OK", "Transfer-Encoding: chunked\r\n", b"a\r\n01234"),
            4 => Vec::new(),
            _ => plain(request),
        }
    });
    assert_eq!(get(&server.store(), "there").unwrap(), VALUE);
    assert_eq!(server.seen().len(), 5);
}

#[test]
fn a_body_that_is_always_cut_short_is_an_error() {
    let server = Server::new(|request| match request.range(10) {
        Some(_) => response(
            "206 Partial Content",
            "Content-Range: bytes 2-5/10\r\nContent-Length: 4\r\n",
            b"23",
        ),
        None => response("200 OK", "Content-Length: 10\r\n", b"01234"),
    });
    let store = server.store();
    assert!(store.get(&key("there"), 100).is_err());
    let part = ByteRange::Part { offset: 2, length: 4 };
    let mut buffer = ReadBuffer::new();
    assert!(store.get_ranges(&key("there"), &[part], &mut buffer).is_err());
    assert!(buffer.is_empty());
}

#[test]
fn other_bytes_than_those_asked_for_are_an_error() {
    let server = Server::new(|request| {
        let header = if request.target.ends_with("shifted") {
            "Content-Range: bytes 3-6/10\r\n"
        } else {
            ""
        };
        sized("206 Partial Content", header, b"3456")
    });
    let store = server.store();
    let part = ByteRange::Part { offset: 2, length: 4 };
    let mut buffer = ReadBuffer::new();
    for name in ["shifted", "unsaid"] {
        assert!(
            store.get_ranges(&key(name), &[part], &mut buffer).is_err(),
            "{name}"
        );
        assert!(
            store.get(&key(name), 100).is_err(),
            "a part came where the whole was asked for"
        );
    }
}

#[test]
fn a_body_in_gzip_is_unpacked_within_the_limit() {
    // printf 0123456789 | gzip -n
    const PACKED: &[u8] = &[
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x33, 0x30, 0x34, 0x32, 0x36, 0x31, 0x35, 0x33, 0xb7, 0xb0, 4, 0,
        0xc6, 0xc7, 0x84, 0xa6, 0x0a, 0, 0, 0,
    ];
    let server = Server::new(|request| {
        let body = if request.method == "HEAD" { &[][..] } else { PACKED };
        let headers = format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n", PACKED.len());
        response("200 OK", &headers, body)
    });
    let store = server.store();
    assert_eq!(get(&store, "there").unwrap(), VALUE);
    assert_eq!(
        store.size(&key("there")).unwrap(),
        Some(10),
        "the size is that of the value"
    );
    let error = store.get(&key("there"), 9).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
    let part = ByteRange::Part { offset: 2, length: 3 };
    let mut buffer = ReadBuffer::new();
    assert!(store.get_ranges(&key("there"), &[part], &mut buffer).unwrap());
    assert_eq!(buffer.part(0), b"234");
}

fn redirect(location: &str) -> Vec<u8> {
    sized("302 Found", &format!("Location: {location}\r\n"), b"elsewhere")
}

#[test]
fn redirections_are_followed_without_handing_on_credentials() {
    let other = Server::new(plain);
    let away = format!("http://{}/mirror/there", other.address);
    let server = Server::new(
        move |request| match request.target.rsplit('/').next().unwrap_or_default() {
            "near" => redirect("../y.zarr/there"),
            "far" => redirect(&away),
            _ => plain(request),
        },
    );
    let url = format!("http://me:secret@{}/data/x.zarr?sig=secret", server.address);
    let store = HttpStore::with_options(&url, without_pauses()).unwrap();
    let basic = Some("Basic bWU6c2VjcmV0".to_owned());
    let sent = |server: &Server| {
        server
            .seen()
            .last()
            .and_then(|last| last.headers.get("authorization").cloned())
    };
    let plain_store = server.store();
    assert_eq!(get(&plain_store, "near").unwrap(), VALUE);
    assert_eq!(server.seen().last().unwrap().target, "/data/y.zarr/there");
    let mut buffer = ReadBuffer::new();
    assert!(
        !store
            .get_ranges(&key("gone"), &[ByteRange::All], &mut buffer)
            .unwrap()
    );
    assert_eq!(sent(&server), basic, "the server itself gets them");
    assert_eq!(
        server.seen().last().unwrap().target,
        "/data/x.zarr/gone?sig=secret"
    );
    assert_eq!(get(&plain_store, "far").unwrap(), VALUE);
    // The last part of the target has the query behind it.
    let store = HttpStore::with_options(&url.replace("?sig=secret", ""), without_pauses()).unwrap();
    assert_eq!(get(&store, "far").unwrap(), VALUE);
    assert_eq!(sent(&server), basic);
    assert_eq!(
        (sent(&other), other.seen().last().unwrap().target.as_str()),
        (None, "/mirror/there")
    );
}

#[test]
fn redirections_that_lead_nowhere_are_errors() {
    let server = Server::new(
        |request| match request.target.rsplit('/').next().unwrap_or_default() {
            "loop" => redirect("loop"),
            "file" => redirect("file:///etc/passwd"),
            "unsaid" => sized("302 Found", "", b""),
            "folder" => redirect("/data/x.zarr/folder/"),
            _ => plain(request),
        },
    );
    let store = server.store();
    for name in ["loop", "file", "unsaid"] {
        let error = store.get(&key(name), 100).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    }
    assert_eq!(server.seen().len(), 6 + 1 + 1, "five redirections are followed");
    let error = store.get(&key("folder"), 100).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
}

#[test]
fn keys_are_escaped_and_secrets_are_not_shown() {
    let server = Server::new(|_| sized("403 Forbidden", "", b""));
    let url = format!("http://me:hidden@{}/data/x.zarr?sig=hidden", server.address);
    let store = HttpStore::with_options(&url, without_pauses()).unwrap();
    let error = store.get(&key("a b/ä#?%"), 100).unwrap_err();
    assert_eq!(
        server.seen()[0].target,
        "/data/x.zarr/a%20b/%C3%A4%23%3F%25?sig=hidden"
    );
    let cause = format!("{:?}", std::error::Error::source(&error));
    for text in [
        error.to_string(),
        cause,
        format!("{store:?}"),
        store.describe("a"),
    ] {
        assert!(!text.contains("hidden"), "{text}");
    }
    drop(server);
    let error = store.get(&key("a"), 100).unwrap_err();
    let text = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
    assert!(!text.contains("hidden"), "nobody listens: {text}");
    for wrong in [
        "ftp://me:hidden@h/x",
        "http://me:hidden@/x",
        "/x",
        "http://h /x?hidden",
    ] {
        let error = HttpStore::new(wrong).unwrap_err();
        assert!(!error.to_string().contains("me:hidden"), "{error}");
    }
}

#[test]
fn nothing_is_written_or_listed() {
    let server = Server::new(plain);
    let store = server.store();
    let capabilities = store.capabilities();
    assert!(!capabilities.writes && !capabilities.erases && !capabilities.lists);
    for refusal in [
        store.set(&key("a"), b""),
        store.erase(&key("a")),
        store.erase_prefix(&StorePrefix::root()),
        store.list_dir(&StorePrefix::root()).map(drop),
    ] {
        assert!(matches!(refusal, Err(StoreError::NotSupported { .. })));
    }
    assert!(store.stage(&StorePrefix::root()).unwrap().is_none());
    assert!(server.seen().is_empty(), "refused before any request");
}

/// Answers with a value that changes with every `n`th request, under headers that tell.
fn changing(n: usize, headers: &'static str) -> Server {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Server::new(move |request| {
        let round = asked.fetch_add(1, Ordering::SeqCst) / n;
        let value = [b'a' + round as u8; 10];
        let headers = headers.replace('#', &round.to_string());
        match request.range(value.len()) {
            Some(Ok((first, last))) => {
                let headers = format!("{headers}Content-Range: bytes {first}-{last}/10\r\n");
                sized("206 Partial Content", &headers, &value[first..=last])
            }
            _ => sized("200 OK", &headers, &value),
        }
    })
}

const TOLD: &str =
    "ETag: \"#\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n";

#[test]
fn parts_of_two_values_are_never_joined() {
    let ranges = [0, 4, 8].map(|offset| ByteRange::Part { offset, length: 2 });
    let mut buffer = ReadBuffer::new();
    // The first two parts are of one value, the third of the next, of which then come all.
    let server = changing(2, TOLD);
    let changed = server.store().get_ranges(&key("a"), &ranges, &mut buffer);
    assert!(
        matches!(changed, Err(StoreError::Conflict { .. })),
        "no value stays long enough"
    );
    let server = changing(5, TOLD);
    let store = server.store();
    assert!(store.get_ranges(&key("a"), &ranges, &mut buffer).unwrap());
    let first = buffer.generation();
    assert!(store.get_ranges(&key("a"), &ranges, &mut buffer).unwrap());
    let parts: Vec<_> = (0..3).map(|part| buffer.part(part).to_vec()).collect();
    assert_eq!(
        parts,
        [b"bb", b"bb", b"bb"],
        "begun again after two of the old value"
    );
    assert_eq!(server.seen().len(), 3 + 3 + 3);
    assert!(first.is_some() && buffer.generation().is_some() && buffer.generation() != first);
}

#[test]
fn what_tells_values_apart_is_passed_on() {
    let told = |headers, ranges: &[ByteRange]| {
        let server = changing(100, headers);
        let mut buffer = ReadBuffer::new();
        server.store().get_ranges(&key("a"), ranges, &mut buffer).unwrap();
        assert_eq!(buffer.value_size(), Some(10));
        (buffer.generation().is_some(), buffer.is_settled())
    };
    let part = [ByteRange::Part { offset: 1, length: 2 }];
    for ranges in [
        &part[..],
        &[ByteRange::All],
        &[part[0], ByteRange::Suffix { length: 1 }],
    ] {
        assert_eq!(told("", ranges), (false, false));
        assert_eq!(told("ETag: W/\"#\"\r\n", ranges), (false, false), "a weak tag");
        assert_eq!(told("ETag: \"#\"\r\n", ranges), (true, true));
        assert_eq!(told(TOLD, ranges), (true, true));
        let just_now = "ETag: \"#\"\r\nLast-Modified: now\r\nDate: now\r\n";
        assert_eq!(told(just_now, ranges), (true, false), "changed in this second");
        let undated = "ETag: \"#\"\r\nLast-Modified: then\r\n";
        assert_eq!(told(undated, ranges), (true, false));
    }
}

#[test]
fn generations_are_asked_for_where_the_server_has_tags() {
    let server = changing(3, TOLD);
    let store = server.store();
    let mut buffer = ReadBuffer::new();
    assert!(
        store
            .get_ranges(&key("a"), &[ByteRange::All], &mut buffer)
            .unwrap()
    );
    let first = buffer.generation();
    assert!(first.is_some());
    assert!(store.capabilities().generations);
    assert_eq!(store.generation(&key("a")).unwrap(), first);
    assert_eq!(store.generation(&key("a")).unwrap(), first);
    assert_ne!(store.generation(&key("a")).unwrap(), first, "it was replaced");
    let server = changing(3, "");
    let store = server.store();
    assert!(store.capabilities().generations, "nothing has come yet");
    for _ in 0..5 {
        assert_eq!(store.generation(&key("a")).unwrap(), None);
    }
    assert_eq!(server.seen().len(), 1, "asked once, and never again");
    assert!(!store.capabilities().generations);
}
