//! A network that can be cut and slowed: a TCP proxy between one engine and one server.
//!
//! A cut holds bytes back, as a network does that loses packets: nobody is told, and when the cut heals what was held comes late, or the
//! connections are gone and it never comes. What either side had written before is under way all the same.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a server may take to answer a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Bytes carried at once, also over a slow line: it delays and hardly throttles.
const CHUNK: usize = 256 * 1_024;

/// Which way a network is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing comes to the server; its answers and what it says by itself still arrive.
    ToServer,
    /// Everything comes to the server; nothing comes back.
    FromServer,
    /// Nothing comes through.
    BothWays,
}

impl Cut {
    /// Every way.
    pub const ALL: [Cut; 3] = [Cut::ToServer, Cut::FromServer, Cut::BothWays];

    fn holds(self, way: Way) -> bool {
        match (self, way) {
            (Cut::BothWays, _) | (Cut::ToServer, Way::ToServer) | (Cut::FromServer, Way::FromServer) => true,
            (Cut::ToServer, Way::FromServer) | (Cut::FromServer, Way::ToServer) => false,
        }
    }
}

/// What becomes of what a cut held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heal {
    /// It comes late.
    Late,
    /// It never comes: the connections are gone, new ones work.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ToServer,
    FromServer,
}

/// A proxy that runs until it is dropped. Every connection made through it is carried to one server.
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
}

/// What all connections share.
struct Line {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cut: Option<Cut>,
    /// What goes to the server is under way for so long.
    delay: Duration,
    closed: bool,
    /// Bytes that a cut holds or has held back.
    held: u64,
    /// Counts resets: what belongs to an earlier number is not carried any more.
    resets: u64,
    /// Both ends of every connection, for ending them.
    ends: Vec<TcpStream>,
}

impl Proxy {
    /// Listens at `address` and carries to `server`, which need not be there yet.
    ///
    /// Errors: the address is taken.
    pub fn start(address: SocketAddr, server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line { server, state: Mutex::default(), changed: Condvar::new() });
        let shared = Arc::clone(&line);
        thread::spawn(move || shared.accept(&listener));
        Ok(Self { address, line })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts the network. New connections are taken and lead nowhere, as far as the cut goes.
    pub fn cut(&self, cut: Cut) {
        self.line.change(|state| state.cut = Some(cut));
    }

    /// Ends the cut.
    pub fn heal(&self, heal: Heal) {
        self.line.change(|state| {
            state.cut = None;
            if heal == Heal::Reset {
                state.reset();
            }
        });
    }

    /// Has what goes to the server be under way for so long from now on; new connections too.
    pub fn slow(&self, delay: Duration) {
        self.line.change(|state| state.delay = delay);
    }

    /// Ends every connection, and what is under way never comes: the machine behind it is lost.
    pub fn reset(&self) {
        self.line.change(State::reset);
    }

    /// Returns how many bytes cuts have held back so far; what waits in the system's own buffers is not among them.
    pub fn held_bytes(&self) -> u64 {
        self.line.lock().held
    }

    /// Returns true while the network is cut.
    pub fn is_cut(&self) -> bool {
        self.line.lock().cut.is_some()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.change(|state| {
            state.closed = true;
            state.reset();
        });
        // Wakes the thread that waits for connections; it sees that it is over.
        drop(TcpStream::connect_timeout(&self.address, CONNECT_WITHIN));
    }
}

impl State {
    fn reset(&mut self) {
        self.resets += 1;
        for end in self.ends.drain(..) {
            // One that is closed already is as it should be.
            drop(end.shutdown(Shutdown::Both));
        }
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.lock().closed {
                return;
            }
            let Ok(client) = client else { continue };
            let line = Arc::clone(self);
            thread::spawn(move || drop(line.carry(client)));
        }
    }

    /// Carries one connection, both ways, until one side ends it.
    fn carry(self: Arc<Self>, client: TcpStream) -> io::Result<()> {
        let born = self.lock().resets;
        // Not a single packet reaches a server that is cut off.
        if !self.passes(Way::ToServer, born) {
            return Ok(());
        }
        let server = TcpStream::connect_timeout(&self.server, CONNECT_WITHIN)?;
        for end in [&client, &server] {
            end.set_nodelay(true)?;
        }
        let ends = [client.try_clone()?, server.try_clone()?];
        {
            let mut state = self.lock();
            if state.resets != born {
                return Ok(());
            }
            state.ends.retain(|end| end.peer_addr().is_ok());
            state.ends.extend(ends);
        }
        let (back, forth) = (Arc::clone(&self), (client.try_clone()?, server.try_clone()?));
        thread::spawn(move || back.pump(Way::FromServer, born, (server, client)));
        self.pump(Way::ToServer, born, forth);
        Ok(())
    }

    fn pump(&self, way: Way, born: u64, (mut from, mut to): (TcpStream, TcpStream)) {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read(&mut chunk).unwrap_or(0);
            self.note_held(way, read as u64);
            if !self.passes(way, born) {
                return;
            }
            if read == 0 || to.write_all(&chunk[..read]).is_err() {
                break;
            }
        }
        // The end of one side is the end of the other, whatever it says to that.
        drop(to.shutdown(Shutdown::Both));
        drop(from.shutdown(Shutdown::Both));
    }

    fn note_held(&self, way: Way, bytes: u64) {
        let mut state = self.lock();
        if state.cut.is_some_and(|cut| cut.holds(way)) {
            state.held += bytes;
        }
    }

    /// Waits as long as the way takes, and until it is open; returns false when the connection is gone meanwhile.
    fn passes(&self, way: Way, born: u64) -> bool {
        let mut state = self.lock();
        if way == Way::ToServer {
            let (delay, lives) = (state.delay, |state: &mut State| state.resets == born);
            let waited = self.changed.wait_timeout_while(state, delay, lives);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let held = |state: &mut State| state.resets == born && state.cut.is_some_and(|cut| cut.holds(way));
        let state = self.changed.wait_while(state, held).unwrap_or_else(PoisonError::into_inner);
        state.resets == born
    }
}
