//! The page that `sunpath map --html` writes, in a real browser.
//!
//! `SUNPATH_PICTURES=DIR cargo test -p sunpath-cli --test map_page` also keeps what the browser
//! shows; `docs/map.png` is `services.png` of such a run.

mod browser;
mod common;
mod town;

use browser::Browser;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use sunpath::{AddressRef, Datagram, Listener, Stream};
use town::{Town, own};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 800;

/// Writes the page for these options.
fn page(town: &Town, args: &[&OsStr]) -> PathBuf {
    let file = town.path("map.html");
    let mut all = vec![OsStr::new("map"), OsStr::new("--html"), file.as_os_str()];
    all.extend(args);
    let run = common::run(&all);
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
    file
}

/// A town and a browser; `None` if there cannot be both.
fn start() -> Option<(Town, Browser)> {
    let town = Town::new()?;
    let browser = Browser::start(&town.path("profile"), WIDTH, HEIGHT)?;
    Some((town, browser))
}

/// The everyday processes and their page.
fn everyday(town: &mut Town) -> PathBuf {
    let pid = town.everyday().to_string();
    page(town, &[OsStr::new("--pid"), OsStr::new(&pid)])
}

/// Keeps what the browser shows, if that is asked for.
fn keep(browser: &mut Browser, name: &str) {
    if let Some(dir) = std::env::var_os("SUNPATH_PICTURES") {
        let picture = browser.screenshot();
        assert!(picture.starts_with(b"\x89PNG"));
        std::fs::write(PathBuf::from(dir).join(name), picture).unwrap();
    }
}

fn text(browser: &mut Browser, selector: &str) -> String {
    let text = browser.value(&format!("document.querySelector({selector:?}).textContent"));
    text.as_str().unwrap_or_default().to_string()
}

/// The names on the cards that are not faded.
fn shown(browser: &mut Browser) -> Vec<String> {
    let names = browser.value(
        "[...document.querySelectorAll('svg:not([hidden]) .node:not(.off) .name')]\
         .map((e) => e.textContent).sort()",
    );
    serde_json::from_value(names).unwrap()
}

/// Boxes of texts that can be read and overlap each other, which none should.
const OVERLAPS: &str = "(() => {
  const svg = document.querySelector('svg:not([hidden])');
  const cards = [...svg.querySelectorAll('.node')].map((e) => e.querySelector('rect').getBoundingClientRect());
  const far = [...svg.querySelectorAll('.far')].filter((e) => getComputedStyle(e).display !== 'none')
    .map((e) => e.getBoundingClientRect());
  const count = (boxes) => {
    let found = 0;
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) found++;
    }));
    return found;
  };
  const outside = [...svg.querySelectorAll('.node')].filter((node) => {
    const card = node.querySelector('rect').getBoundingClientRect();
    return [...node.querySelectorAll('text')].some((t) => {
      const box = t.getBoundingClientRect();
      return box.left < card.left - 1 || box.right > card.right + 1;
    });
  }).length;
  return [count(cards), count(far), outside];
})()";

#[test]
fn the_page_renders_searches_filters_and_explains_itself() {
    let Some((mut town, mut browser)) = start() else { return };
    let file = everyday(&mut town);
    browser.open(&file, "");
    assert_eq!(shown(&mut browser), ["app-server", "helper", "logger", "shell", "web"]);
    assert_eq!(browser.value("document.querySelectorAll('.link').length"), 5);
    assert_eq!(browser.value("document.querySelectorAll('#rows tr').length"), 5);
    assert_eq!(browser.value(OVERLAPS), json!([0, 0, 0]));
    assert!(text(&mut browser, "#result").starts_with("5 processes, 2 addresses"));

    // Search, as a person would with the keyboard alone.
    browser.press("/");
    browser.type_text("logger");
    assert_eq!(shown(&mut browser), ["app-server", "logger"]);
    assert_eq!(text(&mut browser, "#result"), "1 process of 5, 1 connection.");
    assert_eq!(browser.value("document.querySelectorAll('#rows tr').length"), 1);
    browser.press("Enter");
    assert!(text(&mut browser, "#details h2").starts_with("logger["));
    assert!(text(&mut browser, "#details").contains("datagram, receiving"));
    browser.press("Escape");
    browser.press("Escape");
    assert_eq!(shown(&mut browser).len(), 5);
    browser.press("/");
    browser.type_text("no such thing");
    assert_eq!(text(&mut browser, "#result"), "Nothing fits.");
    browser.press("Escape");

    // Every filter, through its control.
    let mut choose = |id: &str, value: &str| {
        browser.value(&format!(
            "(() => {{ const e = document.getElementById({id:?}); e.value = {value:?}; \
             e.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
        ));
        shown(&mut browser)
    };
    assert_eq!(choose("type", "datagram"), ["app-server", "logger"]);
    assert_eq!(choose("type", "seqpacket"), ["app-server", "helper"]);
    assert_eq!(choose("type", ""), ["app-server", "helper", "logger", "shell", "web"]);
    assert_eq!(choose("state", "waiting"), ["app-server", "shell"]);
    choose("state", "");
    browser.click("#busy");
    assert_eq!(shown(&mut browser), ["app-server", "web"]);
    browser.click("#busy");
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn processes_addresses_and_lines_show_their_details() {
    let Some((mut town, mut browser)) = start() else { return };
    let file = everyday(&mut town);
    browser.open(&file, "");
    let server = browser.value(
        "[...document.querySelectorAll('.node')].findIndex((e) => e.textContent.includes('app-server'))",
    );
    browser.click(&format!(".node[data-n='{server}'] .name"));
    let details = text(&mut browser, "#details");
    for part in [
        "app-server[",
        "Serves",
        "/app.sock",
        "1/8 waiting",
        "Clients",
        "web[",
        "12 B unread by the server",
        "waits to be accepted",
        "Talks to",
        "logger[",
    ] {
        assert!(details.contains(part), "{part}: {details}");
    }
    browser.click(".port");
    assert!(text(&mut browser, "#details h2").ends_with("/app.sock"));
    assert!(text(&mut browser, "#details").contains("Served by"));
    // The state is in the address: loading it again shows the same.
    let fragment = browser.value("location.hash.slice(1)");
    browser.open(&file, fragment.as_str().unwrap());
    assert!(text(&mut browser, "#details h2").ends_with("/app.sock"));
    // From the table to the sockets of a connection.
    browser.click("#rows tr td:nth-child(3) button");
    let details = text(&mut browser, "#details");
    assert!(details.contains("Sockets") && details.contains(" → socket "), "{details}");
    assert!(details.contains(", 12 B unread)"), "{details}");
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn the_keyboard_reaches_every_process_and_a_screen_reader_hears_of_it() {
    let Some((mut town, mut browser)) = start() else { return };
    let file = everyday(&mut town);
    browser.open(&file, "");
    assert_eq!(browser.value("document.querySelectorAll('.node[tabindex=\"0\"]').length"), 1);
    browser.value("document.querySelector('.node[tabindex=\"0\"]').focus()");
    let mut seen = vec![focused(&mut browser)];
    for key in ["Left", "Up", "Up", "Down", "Down", "Right", "Right"] {
        browser.press(&format!("Arrow{key}"));
        seen.push(focused(&mut browser));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert!(seen.iter().all(|label| label.contains("connections: ")), "{seen:?}");
    browser.press("Enter");
    assert_ne!(browser.value("document.querySelector('#details h2')"), Value::Null);
    let roles = browser.value(
        "[document.querySelector('#result').getAttribute('aria-live'), \
          document.querySelector('#details').getAttribute('aria-live'), \
          document.querySelectorAll('.node:not([role=button])').length, \
          document.querySelectorAll('svg:not([aria-label])').length, \
          document.querySelectorAll('th:not([scope])').length, \
          [...document.querySelectorAll('input, select')].filter((e) => !e.labels.length).length, \
          document.documentElement.lang]",
    );
    assert_eq!(roles, json!(["polite", "polite", 0, 0, 0, 0, "en"]));
    assert_eq!(browser.complaints, [""; 0]);
}

fn focused(browser: &mut Browser) -> String {
    let label = browser.value("document.activeElement.getAttribute('aria-label')");
    label.as_str().unwrap_or_default().to_string()
}

#[test]
fn light_and_dark_follow_the_system_and_the_switch() {
    let Some((mut town, mut browser)) = start() else { return };
    let file = everyday(&mut town);
    const GROUND: &str = "getComputedStyle(document.body).backgroundColor";
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        let feature = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        browser.call("Emulation.setEmulatedMedia", json!({"features": feature}));
        browser.open(&file, "");
        grounds.push(browser.value(GROUND));
        keep(&mut browser, &format!("everyday-{scheme}.png"));
    }
    assert_eq!(grounds, ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]);
    browser.click("#theme");
    assert_eq!(browser.value(GROUND), grounds[0], "{:?}", text(&mut browser, "#theme"));
    browser.click("#theme");
    assert_eq!(browser.value(GROUND), grounds[1]);
    assert!(browser.value("location.hash").as_str().unwrap().contains("theme=dark"));
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn names_stay_text_whatever_they_say() {
    let Some((mut town, mut browser)) = start() else { return };
    let mut sockets = Vec::new();
    let names = [&b"<script>document.title='owned'<"[..], b"\"onload=alert(1) '", b"\xff\n\x1b"];
    for name in names {
        let path = town.path(OsStr::from_bytes(name));
        sockets.push(own(Datagram::options().keep_file(true).bind(&path).unwrap()));
    }
    let name = format!("{}</script><img src=x onerror=document.title='owned'>", std::process::id());
    let listener = Listener::bind(AddressRef::Abstract(name.as_bytes())).unwrap();
    let client = Stream::connect(AddressRef::Abstract(name.as_bytes())).unwrap();
    sockets.push(own(listener));
    town.start("<b>\"x'&\\", vec![own(client)]);
    let pid = town.start("<i>server", sockets).to_string();
    let file = page(&town, &[OsStr::new("--pid"), OsStr::new(&pid)]);
    browser.open(&file, "q=%3Cscript%3E");
    assert_eq!(browser.value("document.title"), "Who talks to whom");
    let strange =
        "document.querySelectorAll('img, b, i:not(#legend i), script:not(body > script)').length";
    assert_eq!(browser.value(strange), 0);
    assert_eq!(shown(&mut browser), ["<b>\"x'&\\\\", "<i>server"]);
    browser.click(".port");
    browser.press("Escape");
    browser.press("Escape");
    browser.click("#rows tr td:nth-child(1) button");
    assert!(text(&mut browser, "#details h2").starts_with("<b>\"x'&\\\\["));
    assert!(text(&mut browser, "#details").contains("</script><img src=x"));
    assert_eq!(browser.value(strange), 0);
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn five_hundred_processes_are_readable() {
    let Some((mut town, mut browser)) = start() else { return };
    town.city(20, 24, 1);
    let glob = town.path("service-*.sock");
    let file = page(&town, &[glob.as_os_str()]);
    browser.open(&file, "");
    // It starts with one card for each program.
    assert_eq!(browser.value("document.querySelector('#view').value"), "1");
    assert_eq!(shown(&mut browser).len(), 60);
    assert_eq!(browser.value(OVERLAPS), json!([0, 0, 0]));
    keep(&mut browser, "city.png");
    browser.open(&file, "view=0&theme=dark");
    assert_eq!(shown(&mut browser).len(), 500);
    let overlaps = browser.value(OVERLAPS);
    assert_eq!((&overlaps[0], &overlaps[1]), (&json!(0), &json!(0)), "{overlaps}");
    // What is too small is not what is to be read.
    assert_eq!(
        browser.value("document.querySelector('svg:not([hidden])').classList.contains('distant')"),
        true
    );
    keep(&mut browser, "city-processes-dark.png");
    browser.press("/");
    browser.type_text("service-7");
    let time = browser.value(
        "(() => { const start = performance.now(); \
         document.querySelector('#q').dispatchEvent(new Event('input', {bubbles: true})); \
         return performance.now() - start; })()",
    );
    assert!(time.as_f64().unwrap() < 1000.0, "{time} ms");
    browser.press("Enter");
    assert!(text(&mut browser, "#details h2").starts_with("service-7["));
    keep(&mut browser, "city-service-dark.png");
    let card = "(() => { const r = document.querySelector('.node.chosen rect').getBoundingClientRect(); \
                return r.left >= 0 && r.right <= innerWidth && r.width > 100; })()";
    assert_eq!(browser.value(card), true);
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn a_picture_for_the_front_page_can_be_taken() {
    let Some((mut town, mut browser)) = start() else { return };
    town.services();
    let glob = town.path("*");
    browser.open(&page(&town, &[glob.as_os_str()]), "");
    let names = shown(&mut browser);
    let app = names.iter().filter(|name| *name == "app-worker").count();
    assert_eq!((names.len(), app), (10, 3), "{names:?}");
    assert_eq!(browser.value(OVERLAPS), json!([0, 0, 0]));
    let postgres = "[...document.querySelectorAll('.node')].findIndex((e) => \
                    e.querySelector('.name').textContent === 'postgres')";
    let postgres = browser.value(postgres);
    browser.click(&format!(".node[data-n='{postgres}'] .name"));
    assert!(text(&mut browser, "#details").contains("Clients"));
    keep(&mut browser, "services.png");
    assert_eq!(browser.complaints, [""; 0]);
}
