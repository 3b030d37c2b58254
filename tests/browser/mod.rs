//! Debian's Chromium without a window, driven over its debugging pipe: JSON messages that end in a zero byte, in through file
//! descriptor 3, out through 4. No network, no WebSocket, no crate.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value as Json, json};

/// How long an answer may take on a busy machine; no measure of speed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A page of a browser of its own.
pub struct Browser {
    child: Child,
    to: File,
    from: Receiver<Json>,
    session: Option<String>,
    next: u64,
    /// What the page did while answers were awaited.
    pub events: Vec<Json>,
    _folder: tempfile::TempDir,
}

/// Where Chromium is, if it is.
pub fn chromium() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .flat_map(|d| ["chromium", "chromium-browser", "google-chrome"].map(|n| d.join(n)))
        .find(|p| p.is_file())
}

impl Browser {
    /// Starts the program with a profile of its own and opens an empty page of this size.
    pub fn start(program: &Path, (width, height): (u32, u32)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (to, from) = (folder.path().join("to"), folder.path().join("from"));
        assert!(Command::new("mkfifo").args([&to, &from]).status().unwrap().success());
        let line = "exec \"$1\" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run \
                    --disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe \
                    --user-data-dir=\"$2\" about:blank 3<\"$3\" 4>\"$4\"";
        let child = Command::new("sh")
            .args(["-c", line, "sh"])
            .args([program.as_os_str(), folder.path().join("profile").as_os_str(), to.as_os_str(), from.as_os_str()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = File::options().write(true).open(to).unwrap();
        let answers = BufReader::new(File::open(from).unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let Ok(json) = serde_json::from_slice(&message) else { continue };
                if sender.send(json).is_err() {
                    return;
                }
            }
        });
        let mut b = Self { child, to, from, session: None, next: 0, events: Vec::new(), _folder: folder };
        let target = b.send("Target.createTarget", json!({"url": "about:blank"}));
        let id = target["targetId"].clone();
        let attached = b.send("Target.attachToTarget", json!({"targetId": id, "flatten": true}));
        b.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            b.send(&format!("{domain}.enable"), json!({}));
        }
        b.size(width, height);
        b
    }

    /// Sets the size of the window.
    pub fn size(&mut self, width: u32, height: u32) {
        self.send(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// Sends a command and waits for its answer.
    pub fn send(&mut self, method: &str, params: Json) -> Json {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(s) = &self.session {
            message["sessionId"] = json!(s);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        loop {
            let answer = self.from.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{method}: no answer: {e}"));
            if answer["id"] == json!(id) {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            if answer["method"].is_string() {
                self.events.push(answer);
            }
        }
    }

    /// Opens a file as a double-click does.
    pub fn open(&mut self, file: &Path) {
        let url = format!("file://{}", file.display());
        let answer = self.send("Page.navigate", json!({"url": url}));
        assert!(answer["errorText"].is_null(), "{answer}");
        // until then scripts would run in a page that is going away
        while !self.events.iter().any(|e| e["method"] == "Page.loadEventFired") {
            let event = self.from.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{url} does not load: {e}"));
            self.events.push(event);
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Json {
        let answer = self
            .send("Runtime.evaluate", json!({"expression": expression, "returnByValue": true, "awaitPromise": true}));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// The text of an element.
    pub fn text(&mut self, selector: &str) -> String {
        let found = self.value(&format!("document.querySelector({})?.textContent", json!(selector)));
        found.as_str().unwrap_or_else(|| panic!("there is no {selector}")).to_owned()
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) {
        let begun = std::time::Instant::now();
        while self.value(&format!("Boolean({expression})")) != json!(true) {
            assert!(begun.elapsed() < PATIENCE, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Moves the mouse to the middle of an element and clicks.
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = document.querySelector({}); if (!e) return null; e.scrollIntoView({{block: 'nearest'}}); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()",
            json!(selector)
        ));
        let at = |i: usize| place[i].as_f64().unwrap_or_else(|| panic!("there is no {selector}"));
        let (x, y) = (at(0), at(1));
        self.click_at(x, y);
    }

    /// Clicks at a place of the window.
    pub fn click_at(&mut self, x: f64, y: f64) {
        let mouse = |kind: &str| json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1});
        self.send("Input.dispatchMouseEvent", json!({"type": "mouseMoved", "x": x, "y": y}));
        self.send("Input.dispatchMouseEvent", mouse("mousePressed"));
        self.send("Input.dispatchMouseEvent", mouse("mouseReleased"));
    }

    /// Presses a key: its name, and its Windows key code.
    pub fn key(&mut self, key: &str, code: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.send("Input.dispatchKeyEvent", event);
        }
    }

    /// Types text into what has the focus.
    pub fn write(&mut self, text: &str) {
        self.send("Input.insertText", json!({"text": text}));
    }

    /// Keeps a picture of the window.
    pub fn picture(&mut self, file: &Path) {
        let shot = self.send("Page.captureScreenshot", json!({"format": "png"}));
        std::fs::write(file, bytes(shot["data"].as_str().unwrap())).unwrap();
    }

    /// Prints to PDF.
    pub fn pdf(&mut self) -> Vec<u8> {
        let pdf = self.send("Page.printToPDF", json!({"preferCSSPageSize": true, "printBackground": true}));
        bytes(pdf["data"].as_str().unwrap())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Base64 to bytes.
fn bytes(coded: &str) -> Vec<u8> {
    let sign = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => panic!("no sign of base64: {c}"),
    };
    let mut out = Vec::new();
    for four in coded.trim_end_matches('=').as_bytes().chunks(4) {
        let n = four.iter().enumerate().fold(0u32, |n, (i, c)| n | u32::from(sign(*c)) << (18 - 6 * i));
        out.extend((0..four.len() - 1).map(|i| (n >> (16 - 8 * i)) as u8));
    }
    out
}
