//! Every route of the server: path, methods, who may use it, what answers. The server has no others, and asks for no key otherwise.

use actix_web::http::Method;

use super::collect::Dialect;
use super::collect::cloud::CloudEvents;
use super::collect::google::{Google, GoogleDebug};
use super::collect::mixpanel::{MixpanelImport, MixpanelTrack};
use super::collect::segment::Segment;
use crate::keys::Role;

/// One path.
pub struct Route {
    /// Where it is, without a slash at the end.
    pub path: &'static str,
    /// What may be asked there, OPTIONS aside.
    pub methods: &'static [Method],
    /// Who may ask.
    pub roles: &'static [Role],
    /// How its requests say events.
    pub(super) dialect: &'static dyn Dialect,
}

/// A key that sends events does nothing else, since it may stand in a page; and keys that do more send none, since they may not.
const SENDERS: &[Role] = &[Role::Ingest];

const POST: &[Method] = &[Method::POST];
const GET_POST: &[Method] = &[Method::GET, Method::POST];

const fn collects(path: &'static str, methods: &'static [Method], dialect: &'static dyn Dialect) -> Route {
    Route { path, methods, roles: SENDERS, dialect }
}

/// Every route.
pub static ROUTES: [Route; 19] = [
    collects("/v1/identify", POST, &Segment::IDENTIFY),
    collects("/v1/track", POST, &Segment::TRACK),
    collects("/v1/page", POST, &Segment::PAGE),
    collects("/v1/screen", POST, &Segment::SCREEN),
    collects("/v1/group", POST, &Segment::GROUP),
    collects("/v1/alias", POST, &Segment::ALIAS),
    collects("/v1/batch", POST, &Segment::BATCH),
    collects("/v1/i", POST, &Segment::IDENTIFY),
    collects("/v1/t", POST, &Segment::TRACK),
    collects("/v1/p", POST, &Segment::PAGE),
    collects("/v1/s", POST, &Segment::SCREEN),
    collects("/v1/g", POST, &Segment::GROUP),
    collects("/v1/a", POST, &Segment::ALIAS),
    collects("/v1/b", POST, &Segment::BATCH),
    collects("/events", POST, &CloudEvents),
    collects("/mp/collect", POST, &Google),
    collects("/debug/mp/collect", POST, &GoogleDebug),
    collects("/track", GET_POST, &MixpanelTrack),
    collects("/import", GET_POST, &MixpanelImport),
];

impl Route {
    /// Returns the route of a path. A slash at the end makes no difference: some clients put one there.
    pub(super) fn at(path: &str) -> Option<&'static Route> {
        let path = path.strip_suffix('/').unwrap_or(path);
        ROUTES.iter().find(|route| route.path == path)
    }

    /// Returns the methods as the header `Allow` lists them.
    pub(super) fn allowed(&self) -> String {
        let methods: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        format!("{}, OPTIONS", methods.join(", "))
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.path)
    }
}
