use super::*;

/// A listing in the making.
#[derive(Default)]
struct Scene {
    sockets: Vec<Socket>,
    processes: Processes,
}

impl Scene {
    fn process(&mut self, pid: u32, name: &str) {
        let process = Process { name: name.into(), uid: Some(1000) };
        self.processes.insert(pid, process);
    }

    fn socket(&mut self, inode: u32, stage: Stage, pids: &[u32]) -> &mut Socket {
        let holders = pids.iter().map(|pid| Holder { pid: *pid, fd: 3 }).collect();
        self.sockets.push(Socket {
            inode,
            namespace: 1,
            kind: SocketType::Stream,
            stage,
            name: None,
            file: None,
            peer: None,
            backlog: None,
            unread: Some(0),
            in_flight: Some(0),
            waits_at: None,
            holders,
        });
        self.sockets.last_mut().unwrap()
    }

    fn listener(&mut self, inode: u32, name: &str, pids: &[u32]) {
        let socket = self.socket(inode, Stage::Listening, pids);
        socket.name = Some(name.as_bytes().into());
        socket.backlog = Some(Backlog { pending: 0, limit: 128 });
    }

    /// A client and the accepted socket, with the bytes that wait at either.
    fn connection(&mut self, client: (u32, u32, u32), server: (u32, u32, u32), name: &str) {
        let socket = self.socket(client.0, Stage::Connected, &[client.1]);
        (socket.peer, socket.unread) = (Some(Peer::Socket(server.0)), Some(client.2));
        let socket = self.socket(server.0, Stage::Connected, &[server.1]);
        (socket.peer, socket.unread) = (Some(Peer::Socket(client.0)), Some(server.2));
        socket.name = Some(name.as_bytes().into());
    }

    fn graph(&self) -> Graph {
        Graph::of(&self.sockets, &self.processes)
    }
}

fn node(graph: &Graph, pid: u32) -> usize {
    graph.nodes.iter().position(|n| n.pids.contains(&pid)).unwrap()
}

#[test]
fn connections_to_a_port_are_one_link_with_a_count() {
    let mut scene = Scene::default();
    scene.process(10, "server");
    scene.process(20, "client");
    scene.listener(1, "/run/s", &[10]);
    scene.connection((2, 20, 5), (3, 10, 70), "/run/s");
    // The server's end may have the lower number: that does not make it the client.
    scene.connection((9, 20, 0), (8, 10, 30), "/run/s");
    let graph = scene.graph();
    assert_eq!(graph.links.len(), 1);
    let link = &graph.links[0];
    let between = &link.between;
    assert_eq!((between.from, between.to), (node(&graph, 20), node(&graph, 10)));
    assert_eq!((between.relation, between.port), (Relation::Connected, Some(0)));
    assert_eq!(link.ends, [(2, 3), (9, 8)]);
    assert_eq!((link.at_client, link.at_server, link.queued()), (5, 100, 105));
    assert_eq!(graph.total(Relation::Connected), 2);
}

#[test]
fn a_client_that_waits_counts_once_and_one_that_gave_up_is_the_ports() {
    let mut scene = Scene::default();
    scene.process(10, "server");
    scene.process(20, "client");
    scene.listener(1, "/run/s", &[10]);
    let client = scene.socket(2, Stage::Connected, &[20]);
    client.peer = Some(Peer::AtListener(1));
    for peer in [Peer::Socket(2), Peer::Gone] {
        let embryo = scene.socket(0, Stage::Waiting, &[]);
        (embryo.peer, embryo.waits_at) = (Some(peer), Some(1));
    }
    let graph = scene.graph();
    assert_eq!(graph.total(Relation::Waiting), 1);
    assert_eq!(graph.links.len(), 1);
    assert_eq!(graph.ports[0].abandoned, 1);
    assert_eq!(graph.nodes.len(), 2);
}

#[test]
fn a_pair_is_one_connection_also_where_parent_and_child_hold_both_ends() {
    let mut scene = Scene::default();
    scene.process(10, "parent");
    scene.process(11, "child");
    scene.socket(1, Stage::Connected, &[10, 11]).peer = Some(Peer::Socket(2));
    scene.socket(2, Stage::Connected, &[10, 11]).peer = Some(Peer::Socket(1));
    let graph = scene.graph();
    assert_eq!(graph.total(Relation::Connected), 1);
    let pair = graph.links.iter().find(|l| l.between.relation == Relation::Connected).unwrap();
    assert_ne!(pair.between.from, pair.between.to);
    assert_eq!(graph.total(Relation::Shares), 2);
}

#[test]
fn a_listener_belongs_to_those_that_accept_and_not_to_the_service_manager() {
    let mut scene = Scene::default();
    scene.process(1, "init");
    scene.process(10, "server");
    scene.process(11, "server");
    scene.process(20, "client");
    scene.listener(1, "/run/s", &[1, 10, 11]);
    scene.connection((2, 20, 0), (3, 11, 0), "/run/s");
    let graph = scene.graph();
    assert_eq!(graph.ports[0].node, node(&graph, 10), "the parent of the one that accepts");
    assert_eq!(graph.ports[0].also, [node(&graph, 1), node(&graph, 11)]);
    let programs = graph.by_program();
    assert_eq!(programs.nodes.len(), 3);
    assert_eq!(programs.ports[0].also, [node(&programs, 1)]);
    assert_eq!(programs.total(Relation::Shares), 1);
    assert_eq!(programs.total(Relation::Connected), 1);
    assert_eq!(programs.nodes[node(&programs, 10)].pids, [10, 11]);
}

#[test]
fn datagram_senders_point_at_their_receiver_and_a_pair_of_them_is_one() {
    let mut scene = Scene::default();
    scene.process(10, "log");
    scene.process(20, "program");
    let receiver = scene.socket(1, Stage::Unconnected, &[10]);
    (receiver.kind, receiver.name) = (SocketType::Datagram, Some(b"/dev/log"[..].into()));
    receiver.unread = Some(44);
    for inode in [2, 3] {
        let sender = scene.socket(inode, Stage::Connected, &[20]);
        (sender.kind, sender.peer) = (SocketType::Datagram, Some(Peer::Socket(1)));
    }
    for (inode, peer) in [(4, 5), (5, 4)] {
        let end = scene.socket(inode, Stage::Connected, &[20]);
        (end.kind, end.peer) = (SocketType::Datagram, Some(Peer::Socket(peer)));
    }
    let graph = scene.graph();
    assert_eq!((graph.total(Relation::Sends), graph.total(Relation::Connected)), (2, 1));
    assert_eq!(graph.ports[0].unread, Some(44));
    let sends = graph.links.iter().find(|l| l.between.relation == Relation::Sends).unwrap();
    assert_eq!((sends.between.port, sends.queued()), (Some(0), 0), "the queue is the port's");
}

#[test]
fn a_name_bound_anew_is_another_port() {
    let mut scene = Scene::default();
    scene.process(10, "old");
    scene.process(11, "new");
    scene.process(20, "client");
    scene.listener(1, "/run/s", &[10]);
    scene.listener(2, "/run/s", &[11]);
    scene.connection((3, 20, 0), (4, 10, 0), "/run/s");
    for (socket, file) in [(0, 7), (1, 8), (3, 7)] {
        scene.sockets[socket].file = Some(FileId { device: 1, inode: file });
    }
    let graph = scene.graph();
    assert_eq!(graph.links[0].between.port, Some(0));
    assert_eq!(graph.ports[0].node, node(&graph, 10));
}

#[test]
fn what_nobody_holds_and_what_has_no_peer_is_counted() {
    let mut scene = Scene::default();
    scene.process(20, "client");
    scene.socket(1, Stage::Connected, &[20]).peer = Some(Peer::Socket(2));
    scene.socket(2, Stage::Connected, &[]).peer = Some(Peer::Socket(1));
    scene.socket(3, Stage::Unconnected, &[20]);
    scene.socket(4, Stage::Connected, &[20]).peer = Some(Peer::Gone);
    scene.socket(5, Stage::Connected, &[20]).peer = Some(Peer::Socket(77));
    // A process that ended while the machine was looked at.
    scene.socket(6, Stage::Unconnected, &[30]);
    let graph = scene.graph();
    let client = &graph.nodes[node(&graph, 20)];
    assert_eq!((client.alone, client.widowed), (2, 1));
    assert_eq!(graph.nodes.iter().filter(|n| n.is_nobody()).count(), 1);
    assert_eq!(graph.total(Relation::Connected), 1);
    assert_eq!(graph.nodes[node(&graph, 30)].name, b"?");
}
