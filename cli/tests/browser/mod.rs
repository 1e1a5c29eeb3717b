//! A real browser without a window, driven through pipes by the DevTools protocol.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "headless_shell"];
/// The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// A browser with one page.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    last: u64,
    session: Option<String>,
    profile: PathBuf,
    /// What the page complained about, and what it asked for elsewhere.
    pub complaints: Vec<String>,
}

/// The browser's program: installed if it is missing and that can be done, or why not.
fn program() -> Result<&'static PathBuf, &'static String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = || std::env::split_paths(&path).flat_map(|dir| NAMES.map(|name| dir.join(name)));
        all().find(|program| program.is_file())
    };
    let install = || {
        if sunpath::sys::process::user() != 0 {
            return Err("Chromium is not installed, and installing it takes root".to_string());
        }
        let script =
            "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium";
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("DEBIAN_FRONTEND", "noninteractive");
        let output = command.stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
        found().ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("Chromium cannot be installed: {}", said.lines().last().unwrap_or("no reason"))
        })
    };
    FOUND.get_or_init(|| found().map_or_else(install, Ok)).as_ref()
}

impl Browser {
    /// Starts one with a window of this size; `None`, with the reason told, if there is none.
    pub fn start(profile: &Path, width: u32, height: u32) -> Option<Browser> {
        let program = match program() {
            Ok(program) => program,
            Err(why) => {
                eprintln!("skipped: {why}");
                return None;
            }
        };
        let mut command = Command::new("sh");
        // The protocol's descriptors are 3 and 4.
        command.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"]);
        command.arg(program).args(["--headless=new", "--remote-debugging-pipe", "--no-first-run"]);
        command.args(["--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.arg(format!("--window-size={width},{height}"));
        if sunpath::sys::process::user() == 0 {
            command.arg("--no-sandbox");
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let input = child.stdin.take().expect("a pipe");
        let output = child.stdout.take().expect("a pipe");
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { break };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let (session, complaints, profile) = (None, Vec::new(), profile.to_path_buf());
        let mut browser = Browser { child, input, messages, last: 0, session, profile, complaints };
        if !browser.answers() {
            eprintln!("skipped: Chromium is installed, but does not start here");
            return None;
        }
        browser.attach(width, height);
        Some(browser)
    }

    /// Whether it has started: without namespaces of its own for its sandbox, it may refuse to.
    fn answers(&mut self) -> bool {
        let question = json!({"id": self.last, "method": "Browser.getVersion"});
        self.input.write_all(format!("{question}\0").as_bytes()).is_ok()
            && self.messages.recv_timeout(PATIENCE).is_ok()
    }

    fn attach(&mut self, width: u32, height: u32) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call("Target.attachToTarget", attach);
        self.session = session["sessionId"].as_str().map(String::from);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Calls a method of the protocol and waits for its result.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.input.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let message = self.next(method);
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    fn next(&mut self, waiting_for: &str) -> Value {
        let message = self.messages.recv_timeout(PATIENCE);
        let message = message.unwrap_or_else(|e| panic!("no answer to {waiting_for}: {e}"));
        let parameters = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(parameters.to_string()),
            Some("Runtime.consoleAPICalled" | "Log.entryAdded") => {
                self.complaints.push(parameters.to_string());
            }
            Some("Network.requestWillBeSent") => {
                let url = parameters["request"]["url"].as_str().unwrap_or_default();
                if !url.starts_with("file:") {
                    self.complaints.push(format!("asked for {url}"));
                }
            }
            _ => {}
        }
        message
    }

    /// Opens a file, with what stands after the `#`.
    pub fn open(&mut self, file: &Path, fragment: &str) {
        // Another fragment alone would not load it anew.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        let url = format!("file://{}#{fragment}", file.display());
        self.call("Page.navigate", json!({"url": url}));
        self.until("document.readyState === 'complete' && location.protocol === 'file:'");
    }

    /// The value of an expression.
    pub fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true});
        let result = self.call("Runtime.evaluate", parameters);
        let exception = &result["exceptionDetails"];
        assert!(exception.is_null(), "{expression}: {exception}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.value(expression) != true {
            assert!(Instant::now() < end, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses a key as a person would.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        let mut event = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
        if code == 0 {
            event["text"] = key.into();
        } else if key == "Enter" {
            event["text"] = "\r".into();
        }
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", event);
    }

    /// Types into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Clicks on the middle of an element.
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); \
             if (!e.closest('svg')) e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); \
             return [r.left + r.width / 2, r.top + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": place[0], "y": place[1], "button": "left",
                               "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Takes a picture of what can be seen (PNG).
    pub fn screenshot(&mut self) -> Vec<u8> {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"}));
        base64(picture["data"].as_str().expect("a picture"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // With its main process the browser's others end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // It leaves a directory with a socket, to which the profile has a link.
        let link = std::fs::read_link(self.profile.join("SingletonSocket"));
        let left = link.as_deref().ok().and_then(Path::parent);
        let own =
            |dir: &&Path| dir.file_name().is_some_and(|name| name.as_bytes().starts_with(OWN));
        if let Some(left) = left.filter(own) {
            let _ = std::fs::remove_dir_all(left);
        }
    }
}

/// What the names of its directories begin with.
const OWN: &[u8] = b"org.chromium.";

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for digit in text.bytes().filter_map(|c| DIGITS.iter().position(|d| *d == c)) {
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
