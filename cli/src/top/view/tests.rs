//! Keys and looks, without a terminal.

use super::super::frame::{Division, Theme, frame};
use super::super::row::tests::{connection, listener};
use super::super::status::Status;
use super::*;
use crate::render::text::columns;
use proptest::prelude::*;

fn press(view: &mut View, code: KeyCode) -> Wish {
    view.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn types(view: &mut View, text: &str) {
    for c in text.chars() {
        assert_eq!(press(view, KeyCode::Char(c)), Wish::None);
    }
}

fn named(row: Row, name: &str, process: &str) -> Row {
    Row { name: Some(name.as_bytes().into()), process: Some(process.into()), ..row }
}

fn looks() -> Vec<Row> {
    vec![
        named(listener(1, 0, 5), "/run/a.sock", "nginx"),
        named(Row { status: Status::Full, ..listener(2, 6, 5) }, "/run/b.sock", "php-fpm"),
        named(Row { status: Status::Hung, ..listener(3, 2, 5) }, "\0c", "php-fpm"),
        connection(4, 10),
        connection(5, 0),
    ]
}

fn view() -> View {
    let mut view = View::new((By::Status, false), Duration::from_secs(1), false);
    view.room(3);
    view.looked(Listing::default(), looks());
    view
}

fn order(view: &View) -> Vec<u32> {
    (0..view.count()).filter_map(|place| view.row(place)).map(|row| row.inode).collect()
}

fn selected(view: &View) -> Option<u32> {
    view.selected().map(|row| row.inode)
}

#[test]
fn the_worst_is_on_top_and_the_cursor_stays_there_until_it_is_moved() {
    let mut view = view();
    assert_eq!(order(&view)[..2], [3, 2]);
    assert_eq!(selected(&view), Some(3));
    let mut worse = looks();
    worse[0].status = Status::HungFull;
    view.looked(Listing::default(), worse);
    assert_eq!(selected(&view), Some(1), "it follows no socket yet");
    press(&mut view, KeyCode::Down);
    assert_eq!(selected(&view), Some(3));
    view.looked(Listing::default(), looks());
    assert_eq!(selected(&view), Some(3), "now it does, to the top");
    press(&mut view, KeyCode::End);
    assert_eq!((view.cursor, view.first), (4, 2));
    press(&mut view, KeyCode::PageUp);
    assert_eq!((view.cursor, view.first), (1, 1));
    press(&mut view, KeyCode::Home);
    assert_eq!((view.cursor, view.first), (0, 0));
}

#[test]
fn the_cursor_stays_in_its_place_when_its_socket_vanishes() {
    let mut view = view();
    press(&mut view, KeyCode::End);
    let last = selected(&view);
    let left = |gone| looks().into_iter().filter(|row| Some(row.inode) != gone).collect();
    view.looked(Listing::default(), left(last));
    assert_eq!((view.cursor, view.count()), (3, 4));
    assert!(selected(&view).is_some_and(|inode| Some(inode) != last));
    view.looked(Listing::default(), Vec::new());
    assert_eq!(selected(&view), None);
    assert_eq!(press(&mut view, KeyCode::Enter), Wish::None);
    press(&mut view, KeyCode::Up);
    types(&mut view, "n");
    view.looked(Listing::default(), looks());
    assert!(selected(&view).is_some());
}

#[test]
fn a_filter_takes_names_processes_and_states_and_is_undone() {
    let mut view = view();
    press(&mut view, KeyCode::F(4));
    types(&mut view, "PHP");
    assert_eq!(order(&view), [3, 2]);
    press(&mut view, KeyCode::Enter);
    assert_eq!((view.filter.as_str(), &view.mode), ("PHP", &Mode::List));
    view.looked(Listing::default(), looks());
    assert_eq!(order(&view), [3, 2], "also of the next look");
    press(&mut view, KeyCode::Esc);
    assert_eq!(order(&view).len(), 5);
    types(&mut view, "\\b.sock");
    assert_eq!(order(&view), [2]);
    press(&mut view, KeyCode::Backspace);
    types(&mut view, "x");
    assert_eq!(order(&view), [0; 0]);
    press(&mut view, KeyCode::Esc);
    types(&mut view, "l");
    assert_eq!(order(&view), [3, 2, 1]);
}

#[test]
fn a_user_is_chosen_by_name_or_number() {
    let mut view = view();
    let mut rows = looks();
    (rows[0].uid, rows[1].uid) = (Some(0), Some(4_000_000_001));
    view.looked(Listing::default(), rows);
    types(&mut view, "uroo");
    assert_eq!(order(&view), [1]);
    press(&mut view, KeyCode::Esc);
    assert_eq!(order(&view).len(), 5);
    types(&mut view, "u4000000001");
    press(&mut view, KeyCode::Enter);
    assert_eq!((order(&view), &view.mode), (vec![2], &Mode::List));
    let lines = frame(&view, 120, 24, Theme { colours: false });
    assert!(lines[1].contains("of user 4000000001, 1 shown"), "{lines:?}");
    press(&mut view, KeyCode::Esc);
    assert_eq!(order(&view).len(), 5);
}

#[test]
fn a_search_goes_from_one_to_the_next_and_around() {
    let mut view = view();
    types(&mut view, "/php");
    assert_eq!(selected(&view), Some(3));
    press(&mut view, KeyCode::F(3));
    assert_eq!(selected(&view), Some(2));
    press(&mut view, KeyCode::Enter);
    types(&mut view, "n");
    assert_eq!(selected(&view), Some(3));
    types(&mut view, "/nothing such");
    assert_eq!(selected(&view), Some(3));
}

#[test]
fn orders_are_chosen_stepped_and_reversed() {
    let mut view = view();
    types(&mut view, ">");
    assert_eq!(view.sort.0, By::Wait);
    types(&mut view, "<<");
    assert_eq!(view.sort.0, By::Inode);
    types(&mut view, "r");
    assert_eq!(order(&view), [5, 4, 3, 2, 1]);
    for (key, by) in [("P", By::Status), ("T", By::Wait), ("M", By::Queue), ("N", By::Pid)] {
        types(&mut view, key);
        assert_eq!(view.sort.0, by);
    }
    types(&mut view, ">>>");
    press(&mut view, KeyCode::F(6));
    assert_eq!(view.mode, Mode::Choosing(By::Inode));
    press(&mut view, KeyCode::Down);
    press(&mut view, KeyCode::Enter);
    assert_eq!((view.sort, &view.mode), ((By::Status, true), &Mode::List));
}

#[test]
fn wishes_are_told() {
    let mut view = view();
    assert_eq!(press(&mut view, KeyCode::Char(' ')), Wish::Look);
    assert_eq!(press(&mut view, KeyCode::Char('p')), Wish::None);
    assert!(view.paused);
    assert_eq!(press(&mut view, KeyCode::Char('p')), Wish::Look);
    assert_eq!(press(&mut view, KeyCode::Char('a')), Wish::Look);
    assert!(view.all);
    types(&mut view, "d0.5");
    press(&mut view, KeyCode::Enter);
    assert_eq!(view.delay, Duration::from_millis(500));
    types(&mut view, "dnever");
    press(&mut view, KeyCode::Enter);
    assert_eq!(view.delay, Duration::from_millis(500));
    assert_eq!(press(&mut view, KeyCode::Char('q')), Wish::Quit);
    let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    types(&mut view, "/");
    assert_eq!(view.key(control('c')), Wish::Quit);
    assert_eq!(view.key(control('z')), Wish::Suspend);
}

#[test]
fn an_answer_is_shown_until_it_is_closed() {
    let mut view = view();
    assert_eq!(press(&mut view, KeyCode::Enter), Wish::Diagnose);
    let Mode::Answer(question, None, 0) = &view.mode else { panic!("{:?}", view.mode) };
    let question = question.clone();
    assert_eq!(question.title, "@c");
    view.answered(&question, "line\n".repeat(100));
    press(&mut view, KeyCode::PageDown);
    assert!(matches!(view.mode, Mode::Answer(_, Some(_), 3)));
    let lines = frame(&view, 80, 24, Theme { colours: false });
    assert!(lines[0].contains("@c") && lines[23].contains("more lines below"), "{lines:?}");
    press(&mut view, KeyCode::Esc);
    assert_eq!(view.mode, Mode::List);
    view.answered(&question, "too late".into());
    assert_eq!(view.mode, Mode::List);
}

fn code() -> impl Strategy<Value = KeyCode> {
    let keys = vec![
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Backspace,
        KeyCode::F(1),
        KeyCode::F(3),
        KeyCode::F(4),
        KeyCode::F(6),
    ];
    prop_oneof![proptest::sample::select(keys), any::<char>().prop_map(KeyCode::Char)]
}

proptest! {
    #[test]
    fn no_key_and_no_size_breaks_the_screen(
        keys in prop::collection::vec((code(), 0..6_usize), 0..60),
        width in 0..130_usize,
        height in 0..40_usize,
        colours: bool,
    ) {
        let mut view = view();
        for (key, left) in keys {
            view.room(Division::of(height).list);
            press(&mut view, key);
            if left < 6 {
                view.looked(Listing::default(), looks().into_iter().take(left).collect());
            }
            let lines = frame(&view, width, height, Theme { colours });
            prop_assert_eq!(lines.len(), if width == 0 { 0 } else { height });
            for line in &lines {
                prop_assert!(columns(line) <= width, "{:?} in {} columns", line, width);
                let plain = anstream::adapter::strip_str(line).to_string();
                prop_assert!(!plain.chars().any(char::is_control), "{:?}", line);
            }
        }
    }
}
