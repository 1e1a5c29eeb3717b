//! What the view says of itself.

/// The line at the bottom.
pub const KEYS: &str =
    "F1 Help  Enter Why  F3 Search  F4 Filter  F6 Sort  l Listeners  p Pause  q Quit";

/// The help.
pub const HELP: &str = "\
Keys

  Enter             why a connection to the selected socket would fail or wait
  Up Down k j       move
  PgUp PgDn         a screen up, down
  Home End g G      the first, the last; at the first the cursor stays on top,
                    elsewhere it follows its socket
  / F3              search; n: the next one
  \\ f F4            only sockets with this text in name, process, user, type or
                    status; Esc: all again
  u                 only the sockets of a user, by name or number; Esc: all again
  l                 listeners only, or all
  F6                choose the order;  < >  the column to the left, to the right
  P T M N           by status, wait, queue, process id
  r                 the other way round
  d s               the time between two looks
  p                 pause, and go on;  Space  one look now
  a                 every network namespace that can be entered
  Ctrl-L            draw again
  q F10 Ctrl-C      quit;  Ctrl-Z  suspend

Status

  hung              connections wait, and none was accepted for two seconds
  full              the backlog is full: the next connection fails or waits
  stopped           every process that holds the socket is stopped
  waits             unread bytes, whose number has not changed for two seconds

Columns

  WAIT              for how long the first in the queue waits, or the queue of
                    bytes has not been empty; as far as was seen since the start
  QUEUE             connections that wait / limit, or bytes that are not read
  FULL              how full the backlog is
  PID, PROCESS      the first process that holds the socket; ? if it may not be
                    seen, - if there is none. Holders of sockets that are not on
                    the screen may be some looks old, and so may the peers of
                    datagram sockets.
  NETNS             the number of the network namespace, where there are several
  * ^               the list is sorted by this column; ^ the other way round
";
