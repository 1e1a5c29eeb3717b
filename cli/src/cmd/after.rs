//! What stands below the options in the help of each subcommand, and in its man page.

use crate::exit::Exit;

/// Below the help of `sunpath`.
pub fn main() -> String {
    format!("{MAIN}\nExit status:\n{}", Exit::table().trim_end())
}

const MAIN: &str = "\
Examples:
  sunpath why /run/app.sock              why can nobody connect to it?
  sunpath why --as www-data /run/app.sock
                                         ... and can this user?
  sunpath explain ECONNREFUSED           every reason for an error
  sunpath ls '/run/*'                    the sockets there, and who holds them
  sunpath connect /run/app.sock          talk to the server
  sunpath tap --in-place /run/app.sock   what do it and its clients say?
  sunpath demo                           some twenty real failures, diagnosed
";

/// Below the help of `sunpath why`.
pub const WHY: &str = "\
Examples:
  sunpath why /run/app.sock
      Would connect(2) succeed? If not, why, and what is to be done?
  sunpath why --error EAGAIN /run/app.sock
      The program saw EAGAIN (or ECONNREFUSED, ... or hang): which cause is it?
  sunpath why --error \"Connection refused\" /run/app.sock
      The same with the message that a program printed, as it was pasted.
  sunpath why --as www-data /run/app.sock
      Judge for another user, with the groups that the group database gives it.
  sunpath why --as 1000:1000,docker /run/docker.sock
      Judge for a container or service that runs with these groups, by name or
      number, the primary one first.
  sunpath why --pid 4711 @name
      Judge from where a process stands, for example inside a container.
  sunpath why --call bind /run/app.sock
      Could a server bind this address?
  sunpath why --type datagram /dev/log
      Ask for a datagram socket.
  sunpath why --json /run/app.sock | jq -r '.causes[0].id'
      For programs.
  sunpath why \"$DOCKER_HOST\"
      Addresses are understood as they are pasted: unix:///run/docker.sock.

The exit status is 0 if the call would succeed, 1 if it would fail, mislead or
wait, 3 if what can be seen does not suffice to tell, and 2 if the command line
is wrong.";

/// The forms of an address.
pub const ADDRESS: &str = "\
The address of the socket:

  /run/app.sock, ./app.sock   a path
  @name                       an abstract name; ./@name is a file
  unix:PATH, unix:///PATH     a path
  unix:@NAME                  an abstract name
  unix-abstract:NAME          an abstract name
  unix:path=PATH              a path, in which %NN stands for a byte
  tcp:HOST:PORT               TCP
  udp:HOST:PORT               UDP";

/// Below the help of `sunpath explain`.
pub const EXPLAIN: &str = "\
Examples:
  sunpath explain connect/stale-socket
      Everything about one cause.
  sunpath explain EAGAIN
      The causes of an errno, call by call.
  sunpath explain \"Permission denied\"
      The same for a message.
  sunpath explain connect
      The errors of a call, and their causes.
  sunpath explain
      The index of all causes.
  sunpath explain --search backlog full
      The causes whose texts hold all of these words.

The exit status is 0, or 2 if there is no such cause, errno or call, or nothing
was found.";

/// Below the help of `sunpath ls`.
pub const LS: &str = "\
Examples:
  sunpath ls
      Every socket: listeners first, then those that wait, others, connections.
  sunpath ls -l '/run/*'
      The listeners below /run, with their backlogs and processes.
  sunpath ls --process nginx --queue-over 0
      Sockets of nginx in whose queues something waits.
  sunpath ls --peer 4711
      Who is connected to process 4711?
  sunpath ls --sort queue --wide
      The fullest queues first, with all columns.
  sunpath ls --files /run /srv
      Socket files below two directories: who serves them, which are dead, and
      which servers have lost theirs.
  sunpath ls --stale
      Dead ones where socket files usually are, and commands that remove them.
  sunpath ls --json docker.sock | jq '.sockets[].holders'
      For programs.

Sort keys:
  state      listening, waiting, unconnected, connected; then by name
             (the default)
  name       paths and abstract names; sockets without one last
  type       stream, datagram, seqpacket
  queue      the most bytes, or waiting connections, first
  backlog    the fullest listeners first
  process    by the name of the first process that holds it
  pid        by its id
  user       by its user's number
  peer       by the id of the first process at the other end
  inode      by inode number, which is about the order in which they were made

Columns:
  QUEUE      bytes that wait to be read, of datagrams those of the first;
             of listeners, connections that wait / backlog
  FDS        descriptors in flight in the queue
  SHUT       directions that are shut down: r, w or rw
  PROCESS    name[pid]:descriptors; ? if that may not be seen, - if no process
             holds it: it is in flight, or the kernel's
  PEER       the process at the other end, and the name of its socket
  NETNS      with --all: the network namespace, as lsns(8) numbers it

Verdicts on files:
  served     a socket is bound to it
  stale      no socket is, by the kernel's own lookup: every connect is refused
  orphaned   a process holds a socket of this name, but there is no such file
             any more
  rebound    the same, but the file there is another's, or dead
  unknown    no socket is seen to be, but the kernel does not say

On a terminal columns are cut to its width, columns that do not fit are left out, and a
long list goes to $PAGER (less, if unset). Nothing is cut with --wide or in a pipe.

Without directories, --files looks below /run, /var/run, /tmp, /var/tmp, /dev/shm,
$XDG_RUNTIME_DIR and $TMPDIR. It follows no links, and enters no file system of a network or
of FUSE. Nothing is ever removed.

The exit status is 0, also if nothing is found, 2 if the command line is wrong, and 4 if
the sockets cannot be seen or the list cannot be written.";

/// Below the help of `sunpath map`.
pub const MAP: &str = "\
Examples:
  sunpath map
      Every server, and below each of its addresses who is connected to it.
  sunpath map /run/app.sock
      Who talks over this address?
  sunpath map --pid 4711
      With whom does this process talk?
  sunpath map --html map.html
      A page with everything, to search and click through.
  sunpath map --programs --svg map.svg
      A picture with one box for each program and user.
  sunpath map --dot '/run/*' | dot -Tpdf > map.pdf
      A graph laid out by Graphviz.
  sunpath map --json | jq '.links[] | select(.unread_by_server > 0)'
      For programs.

A connection counts once. A client is below the address that it came to; datagram
senders are below the receiver they are connected to. A socket that several processes
hold belongs to the one that uses it, as far as that can be seen; the others are named.

The page needs no network and asks for nothing. What it shows stands in its address,
after the #: it can be kept as a bookmark or sent.

The exit status is 0, also if nothing is found, 2 if the command line is wrong, and 4 if
the file cannot be written.";

/// Below the help of `sunpath top`.
pub const TOP: &str = "\
Examples:
  sunpath top
      All sockets, the worst first; F1 shows the keys, Enter a diagnosis.
  sunpath top --listening --delay 0.5 '/run/*'
      The listeners below /run, twice a second.
  sunpath top --batch 3 --rows 10
      The ten worst, three times, as text: the second time waits are known.
  sunpath top --json | jq -c '.sockets[] | select(.status == \"hung\") | .name'
      For programs: a line of JSON every second, until interrupted.

Sort keys:
  status     what is wrong, the worst first; then by wait and backlog
             (the default)
  wait       how long the queue has waited
  queue      connections or bytes in the queue
  backlog    how full the backlog is
  type       datagram, seqpacket, stream
  pid        the id of the first process that holds the socket
  process    its name
  name       paths and abstract names; sockets without one last
  inode      inode number, which is about the order in which they were made

Status:
  hung       connections wait, and none was accepted for two seconds
  full       the backlog is full: the next connection fails or waits
  stopped    every process that holds the socket is stopped
  waits      unread bytes, whose number has not changed for two seconds

The kernel does not tell for how long a queue has waited: it is measured from look
to look, and begins at the first.

The exit status is 0, 2 if the command line is wrong or there is no terminal for a
view, and 130 if --batch or --json is interrupted.";

/// Below the help of `sunpath conform`.
pub const CONFORM: &str = "\
Examples:
  sunpath conform
      Provoke all causes and check them.
  sunpath conform connect/stale-socket connect/backlog-full
      Only these.
  sunpath conform --json | jq '.causes[] | select(.result == \"differs\")'
      For programs.
  sunpath conform --random --steps 1000000
      Make at least so many random calls on the model and on the running kernel, and
      compare.
  sunpath conform --blocking --seed 7
      The same with calls that wait: who sleeps, who wakes, who does not.
  sunpath conform --matrix
  sunpath conform --exhaustive 4
      The same with every call on sockets in every state, and with every sequence of
      four calls of a few.

The exit status is 0 if everything that could be provoked behaves as documented
or no difference was found, 1 if anything differs, 2 if there is no such cause
or the arguments are wrong, and 4 if it could not be carried out.";

/// Below the help of `sunpath demo`.
pub const DEMO: &str = "\
Examples:
  sunpath demo
      Some twenty everyday failures, each with its diagnosis.
  sunpath demo connect/stale-socket
      Only this one.
  sunpath demo connect/stale-socket -- curl --unix-socket {} http://localhost/
      What does another program say about it?
  sunpath demo --outside wait/server-stopped -- sunpath why --pid {pid} {}
      What does sunpath say about it to somebody who looks on?
  sunpath demo --list
      The causes that can be set up.

With a COMMAND, the exit status is that of the command: 127 if it cannot be run,
120 if the failure cannot be set up on this system or by this user.";

/// Below the help of `sunpath play`.
pub const PLAY: &str = "\
A trace:
  # A server whose backlog is full
  spawn server
  spawn client uid=1000 gid=1000
  server: s = socket stream
  server: bind s \"app.sock\"
  server: listen s 0
  server: chmod \"app.sock\" 0777
  client: c = socket stream
  client: connect c \"app.sock\" -> ok
  client: d = socket stream nonblocking
  client: connect d \"app.sock\" [linux] ! EAGAIN connect/backlog-full
      [freebsd-14 freebsd-15 openserver] ! ECONNREFUSED connect/backlog-full
      [macos] -> ok

Behind a call stands what is expected of it, if it matters: -> and what it gives (ok:
whatever it may be), ! and the error, the cause or both, ~ if it waits. A signal must be
expected, too: ! EPIPE SIGPIPE. Other lines:
  resume p          the call in which p waits looks again
  interrupt p       a signal comes in it
  advance 200ms     time passes
  child: ...        after p: child = fork, or thread
  a, b = ...        names for two descriptors: p: a, b = socketpair stream
All lines, calls and results: sunpath man trace, and in each error what could stand there.

Examples:
  sunpath play backlog.trace
      What does each call do, by the rules of Linux?
  sunpath play --profile macos backlog.trace
      ... and by those of macOS?
  sunpath play --record --profile all backlog.trace
      Write the outcomes on every system into the trace, and say what changed.
  sunpath play --on kernel traces/
      Does the running kernel do the same? Real processes make the calls.

The exit status is 0 if everything is as expected or was recorded, 1 if anything is
not, and 2 if a trace cannot be understood.";

/// Below the help of `sunpath tap`.
pub const TAP: &str = "\
Examples:
  sunpath tap --in-place /run/app.sock
      What do clients and the server say to each other? Nothing has to be
      configured anew or restarted; at the end all is as before.
  sunpath tap --in-place /run/postgresql/.s.PGSQL.5432 --port 5432 -o pg.pcapng
      The same for Wireshark, which is told by the port what to expect.
  sunpath tap ./tap.sock /run/app.sock --format json | jq -c 'select(.event==\"reset\")'
      Only clients that were told to use ./tap.sock; for programs.
  sunpath tap ./tap.sock @app --filter from=client --filter 'text=DELETE'
      Only what clients say, and only if it has this in it.
  sudo sunpath tap --credentials ./tap.sock /run/app.sock
      For a server that asks with each message who sent it (SO_PASSCRED), as
      journald does: it sees the clients, not the tap. So does a client that asks.
  sunpath tap --restore /run/app.sock
      After a power cut, or when everything was killed at once, even if somebody
      has removed the path since: its server, if it lives, gets it back.

In the text, -> is from the client and <- from the server; times are in UTC.

What is different with a tap: peer credentials are the tap's, on both sides, and
so are those of each message, unless root asks for --credentials; then a process
that has ended meanwhile is replaced by the tap's. A client is connected before
the server is reached: if it cannot be, the client is closed at once and
the tap says why. A server that shuts down reading alone is noticed with the
next message. When a side closes without having read everything, the other is
reset, as it would be; but it sees the plain end of file instead if all that it
sent had reached that side's queue, and the last of it was an urgent byte or
longer than 192 bytes. Large streams pass through a pipe: if the server closes
while bytes are in it, which are lost then, a client that has sent nothing since
sees the plain end of file, too. The names of the sockets are the tap's. Bytes are
on their way in two queues instead of one, the second of twice the usual size, so
a writer is slowed down that much later. While messages follow each other at
once, the tap looks for the next without sleeping: it keeps a processor busy, never
the last one, and none when there are pauses.

If the tap is killed, a second process restores the path at once. A server that is
restarted meanwhile keeps the path that it takes; the tap says so and ends.

The exit status is 0 if it was stopped by a signal, 1 if the server ended, or the
address cannot be used, 2 if the command line is wrong, and 4 if the transcript could
not be written to its end.";

/// The conditions of `--filter`.
pub const FILTER: &str = "\
Write down only what this holds for; can be repeated, and then all must hold:

  from=client, from=server    who sent it
  event=NAME                  open, refused, data, end, reset, lost or close
  connection=NUMBER           a connection
  pid=NUMBER, process=NAME    the client
  size>BYTES, size<BYTES      the length of a message
  text=BYTES                  what is in it; \\n, \\0, \\xNN and so on are bytes
  descriptors                 with descriptors

With ! in front, what it does not hold for.";

/// Below the help of `sunpath man`.
pub const MAN: &str = "\
Examples:
  sunpath man why | man -l -
      Read one page.
  sunpath man trace | man -l -
      Read how traces are written; so with json, about --json.
  sunpath man --dir /usr/local/share/man/man1
      Install all pages.";

/// Below the help of `sunpath completions`.
pub const COMPLETIONS: &str = "\
Examples:
  sunpath completions bash > /etc/bash_completion.d/sunpath
  sunpath completions zsh > ~/.zfunc/_sunpath
  sunpath completions fish > ~/.config/fish/completions/sunpath.fish";

/// Below the help of `sunpath connect`.
pub const CONNECT: &str = "\
Examples:
  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | sunpath connect /run/app.sock
      Send a request and print the answer.
  echo '<13>hello' | sunpath connect --type datagram /dev/log
      Each line is a message; nobody answers a socket without a name.
  sunpath connect --type seqpacket --hex --local=@me --peer --timeout 5 @server
      Packets as lines of hexadecimal digits, from a name, and who serves them.
  sunpath connect --send-fd report.txt --save-fds received @broker < request
      Pass a descriptor, and keep what the files hold whose descriptors come back.

An empty line is an empty message. A message is printed with a newline behind it;
where messages hold newlines themselves, --length-prefixed or --hex keeps them
apart. Descriptors are sent with the first bytes or message; without any, packets
and datagrams carry them in an empty one. An interrupt ends it in good order.

The exit status is 0 at the end of the conversation, 1 if a call failed or nothing
came in time, 2 if the command line or the form of the input is wrong, and 130 if
it was interrupted. With --exec it is that of the command.";

/// Below the help of `sunpath listen`.
pub const LISTEN: &str = "\
Examples:
  sunpath listen --mode 660 /run/app.sock
      Wait for a client, print what it sends, and answer from the keyboard.
  sunpath listen --keep-open --exec 'tr a-z A-Z' @upper
      A server that runs a command for each connection, many at a time; the command
      finds the client in SUNPATH_PEER_PID, SUNPATH_PEER_UID and SUNPATH_PEER_GID.
  sunpath listen --type datagram --replace-dead --json /run/log.sock
      Print datagrams, and tell of their senders on standard error for programs.
  sunpath listen --activate './appd --foreground' --fd-name api /run/api.sock
      Start a service at its first client, as a service manager would.

Without --exec connections are served one after the other, and standard input goes
to whoever is connected; those who come after its end are told so at once. Datagrams
are answered to the last sender that has a name; until there is one, nothing is read.
With --count, a datagram socket ends after the last message and the end of the input.
When it is stopped, --exec and --activate stop the commands that run.

The exit status is 0 at the end, 1 if a call failed or nobody came in time, 2 if the
command line or the form of the input is wrong, and 130 if it was interrupted. With
--exec or --activate, and without --keep-open or --count, it is that of the command.";
