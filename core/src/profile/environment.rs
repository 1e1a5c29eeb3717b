//! What can be around processes: which policies a system knows.

use super::Cell;

/// Which policies a system knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Filters that answer a process's system calls in the kernel's place.
    pub call_filters: Cell<bool>,
    /// Namespaces in which an ordinary user seems to be root.
    pub user_namespaces: Cell<bool>,
    /// Scopes beyond which a process reaches no abstract name.
    pub abstract_scopes: Cell<bool>,
    /// A setting that keeps programs from following others' links in directories for everybody.
    pub protected_symlinks: Cell<bool>,
}

pub(super) const LINUX: Environment = Environment {
    call_filters: Cell::measured(true),
    user_namespaces: Cell::measured(true),
    abstract_scopes: Cell::measured(true),
    protected_symlinks: Cell::measured(true),
};

pub(super) const FREEBSD_14: Environment = Environment {
    call_filters: Cell::inferred(false, "capsicum(4) takes calls away, with errors of its own"),
    user_namespaces: Cell::inferred(false, "jail(8) has none"),
    abstract_scopes: Cell::inferred(false, "there are no abstract names"),
    protected_symlinks: Cell::inferred(false, "no such setting in security(7)"),
};

pub(super) const FREEBSD_15: Environment = FREEBSD_14;

pub(super) const MACOS: Environment = Environment {
    call_filters: Cell::inferred(false, "its sandbox denies operations, not families"),
    user_namespaces: Cell::inferred(false, "it has none"),
    abstract_scopes: Cell::inferred(false, "there are no abstract names"),
    protected_symlinks: Cell::inferred(false, "it has no such setting"),
};

pub(super) const OPENSERVER: Environment = Environment {
    call_filters: Cell::inferred(false, "4.3BSD has none"),
    user_namespaces: Cell::inferred(false, "4.3BSD has none"),
    abstract_scopes: Cell::inferred(false, "there are no abstract names"),
    protected_symlinks: Cell::inferred(false, "4.3BSD has none"),
};
