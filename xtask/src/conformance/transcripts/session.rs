//! What a scenario has at hand: its directory and what its steps have named.
#![expect(clippy::similar_names, reason = "a shelf holds a store, and self is self")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use serde_json::{Value, json};
use zarr_convenience::{
    LazyLoader, Source, SourceNode, ZarrSource,
    core::{
        Array, Attributes, Group, Node,
        store::{CachedStore, MemoryStore, Store, StoreExt, StorePrefix, ZipStore},
    },
    data_type_text, shape_text,
};

use super::{
    closable::{Closable, Close},
    outcome::{Doing, Failure, Fault, Outcome, phrase},
    rules::Snapshot,
};

/// Most bytes of a value.
const SIZE_MAX: u64 = 1 << 30;

/// A scenario on its way.
#[derive(Debug)]
pub(super) struct Session {
    /// The working directory.
    pub(super) dir: PathBuf,
    things: HashMap<String, Thing>,
    /// The attributes of nodes that have a name.
    attributes: HashMap<String, Rc<Attributes>>,
    /// The stores in memory that have an address.
    urls: HashMap<String, Shelf>,
    /// The lines of the last log.
    pub(super) log: Option<Value>,
}

/// What a name of a scenario stands for.
#[derive(Debug)]
pub(super) enum Thing {
    Node(Node, Shelf),
    Store(Shelf),
    Loader(LazyLoader),
    /// An HDF5 file, by its path.
    #[cfg_attr(
        not(feature = "hdf5"),
        expect(dead_code, reason = "made only where there is HDF5")
    )]
    Hdf5(PathBuf),
}

/// A store, and what Python would say of it.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) store: Arc<dyn Store>,
    /// The name of its class; empty for a plain mapping.
    pub(super) class: &'static str,
    /// The name of the class of the store of the chunks, where that is another one.
    pub(super) chunk_class: Option<&'static str>,
    /// What arrays in it separate their chunks' coordinates with, unless told otherwise.
    pub(super) separator: Option<char>,
    /// What closing does, where nodes hold on to what is closed.
    pub(super) closable: Option<Arc<Closable>>,
    pub(super) cache: Option<Arc<CachedStore>>,
    pub(super) dialect: Dialect,
    /// The file or directory, or the address, by which stores of the class are equal.
    pub(super) place: Option<PathBuf>,
}

/// What Python's stores do with keys, each in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Dialect {
    /// Keys are texts, and no key is a folder.
    #[default]
    Flat,
    /// Keys must be ASCII, and are shown as bytes.
    Ascii,
    /// A folder may stand where a key is asked for.
    Folders,
    /// As folders, and dots in the last part of a key are slashes.
    DotsAreSlashes,
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn Store>, class: &'static str) -> Self {
        Self {
            store,
            class,
            chunk_class: None,
            separator: None,
            closable: None,
            cache: None,
            dialect: Dialect::default(),
            place: None,
        }
    }

    pub(super) fn memory() -> Self {
        Self {
            dialect: Dialect::Folders,
            ..Self::new(Arc::new(MemoryStore::new()), "MemoryStore")
        }
    }

    pub(super) fn archive(store: ZipStore) -> Self {
        Self {
            dialect: Dialect::Folders,
            ..Self::closable(store, "ZipStore")
        }
    }

    /// A store that can be closed under the nodes that hold it.
    pub(super) fn closable(store: impl Close + 'static, class: &'static str) -> Self {
        let closable = Arc::new(Closable::new(store));
        let store: Arc<dyn Store> = Arc::<Closable>::clone(&closable);
        Self {
            closable: Some(closable),
            ..Self::new(store, class)
        }
    }
}

/// The text of a member of a step.
pub(super) fn text<'a>(step: &'a Value, name: &str) -> Outcome<&'a str> {
    step[name]
        .as_str()
        .ok_or_else(|| Fault::unsupported(format!("{name} {}", step[name])))
}

/// Whether a member of a step is true.
pub(super) fn flag(step: &Value, name: &str) -> bool {
    step[name].as_bool().unwrap_or(false)
}

impl Session {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            things: HashMap::new(),
            attributes: HashMap::new(),
            urls: HashMap::new(),
            log: None,
        }
    }

    /// A path of the scenario.
    pub(super) fn path(&self, step: &Value) -> Outcome<PathBuf> {
        Ok(self.dir.join(text(step, "path")?))
    }

    /// The store in memory that has an address.
    pub(super) fn url(&mut self, url: &str) -> Outcome<Shelf> {
        if !url.starts_with("memory://") {
            let scheme = url.split("://").next().unwrap_or_default();
            return match scheme {
                "s3" | "gs" | "gcs" | "az" | "http" | "https" | "file" | "ftp" => {
                    Err(Fault::unsupported(format!("address {url}")))
                }
                _ => Err(Failure::new("ValueError", format!("Protocol not known: {scheme}")).into()),
            };
        }
        let new = || Shelf {
            class: "FSStore",
            ..Shelf::memory()
        };
        Ok(self.urls.entry(url.to_owned()).or_insert_with(new).clone())
    }

    /// Gives a step's result its name.
    pub(super) fn name(&mut self, step: &Value, thing: Thing) {
        if let Some(name) = step["as"].as_str() {
            self.attributes.remove(name);
            if let (Some(false), Thing::Node(node, _)) = (step["cache_attrs"].as_bool(), &thing) {
                self.attributes
                    .insert(name.to_owned(), Rc::new(node.attrs().uncached()));
            }
            self.things.insert(name.to_owned(), thing);
        }
    }

    /// The attributes of a node; those of a variable remember what they read, as Python's do.
    pub(super) fn attributes(&mut self, target: &str) -> Outcome<Rc<Attributes>> {
        if let Some(known) = self.attributes.get(target) {
            return Ok(Rc::clone(known));
        }
        let attributes = Rc::new(self.node(target)?.0.attrs());
        if !target.contains(':') {
            self.attributes.insert(target.to_owned(), Rc::clone(&attributes));
        }
        Ok(attributes)
    }

    /// Has the attributes of a variable read again, which an operation has changed through it.
    pub(super) fn refresh_attributes(&self, target: &str) {
        if let Some(attributes) = self.attributes.get(target) {
            attributes.refresh();
        }
    }

    /// Names a node, and shows it.
    pub(super) fn name_node(&mut self, step: &Value, node: Node, shelf: &Shelf) -> Value {
        let shown = json!({"repr": node_text(&node)});
        self.name(step, Thing::Node(node, shelf.clone()));
        shown
    }

    pub(super) fn thing(&self, name: &str) -> Outcome<&Thing> {
        // The step that would have named it failed.
        let missing = || Failure::class("NameError", format!("nothing is called {name}"));
        Ok(self.things.get(name).ok_or_else(missing)?)
    }

    pub(super) fn thing_mut(&mut self, name: &str) -> Option<&mut Thing> {
        self.things.get_mut(name)
    }

    pub(super) fn shelf(&self, name: &str) -> Outcome<Shelf> {
        match self.thing(name)? {
            Thing::Store(shelf) => Ok(shelf.clone()),
            _ => Err(Fault::unsupported(format!("{name} is no store"))),
        }
    }

    pub(super) fn loader(&self, name: &str) -> Outcome<&LazyLoader> {
        match self.thing(name)? {
            Thing::Loader(loader) => Ok(loader),
            _ => Err(Fault::unsupported(format!("{name} is no loader"))),
        }
    }

    /// Everything that stores and files hold: keys behind the name of the variable, files behind `file`.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut held = Snapshot::new();
        for (name, thing) in &self.things {
            let shelf = match thing {
                // Looking would change what a cache remembers.
                Thing::Node(_, shelf) | Thing::Store(shelf) if shelf.cache.is_none() => shelf,
                _ => continue,
            };
            for key in shelf.store.list_prefix(&StorePrefix::root()).unwrap_or_default() {
                let bytes = shelf.store.get(&key, SIZE_MAX).ok().flatten();
                held.insert(format!("{name}:{key}"), bytes.unwrap_or_default().to_vec());
            }
        }
        let mut folders = vec![self.dir.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&self.dir).unwrap_or(&path).display();
                    held.insert(format!("file:{name}"), std::fs::read(&path).unwrap_or_default());
                }
            }
        }
        held
    }

    /// The node that a text names: a variable, or `variable:member`.
    pub(super) fn node(&self, target: &str) -> Outcome<(Node, Shelf)> {
        let (name, member) = target.split_once(':').unwrap_or((target, ""));
        let Thing::Node(node, shelf) = self.thing(name)? else {
            return Err(Failure::class("TypeError", format!("{name} is no node of Zarr")).into());
        };
        match node {
            Node::Group(group) if target.contains(':') => {
                let found = group
                    .get(member)
                    .map_err(|error| phrase(&error.into(), Doing::Member))?;
                Ok((found, shelf.clone()))
            }
            node => Ok((node.clone(), shelf.clone())),
        }
    }

    pub(super) fn target(&self, step: &Value) -> Outcome<(Node, Shelf)> {
        self.node(text(step, "target")?)
    }

    pub(super) fn group(&self, step: &Value) -> Outcome<(Group, Shelf)> {
        match self.target(step)? {
            (Node::Group(group), shelf) => Ok((group, shelf)),
            (Node::Array(_), _) => Err(Failure::class("AttributeError", "it is no group").into()),
        }
    }

    pub(super) fn array(&self, step: &Value) -> Outcome<(Array, Shelf)> {
        match self.target(step)? {
            (Node::Array(array), shelf) => Ok((array, shelf)),
            (Node::Group(_), _) => Err(Failure::class("AttributeError", "it is no array").into()),
        }
    }

    /// What a text names, as something that can be copied and drawn.
    pub(super) fn source(&self, target: &str) -> Outcome<(Box<dyn Source>, SourceNode)> {
        let (name, member) = target.split_once(':').unwrap_or((target, ""));
        if let Thing::Hdf5(path) = self.thing(name)? {
            return super::h5::source(path, member);
        }
        if let Thing::Store(shelf) = self.thing(name)? {
            let message = format!("a node is needed, not a {}", shelf.class);
            return Err(Failure::class("TypeError", message).into());
        }
        let source = ZarrSource::new(self.node(target)?.0);
        let root = source.root();
        Ok((Box::new(source), root))
    }
}

/// How Python prints a node.
pub(super) fn node_text(node: &Node) -> String {
    let read_only =
        |options: &zarr_convenience::core::Options| if options.read_only { " read-only" } else { "" };
    match node {
        Node::Group(group) => {
            format!(
                "<zarr.hierarchy.Group '{}'{}>",
                group.path(),
                read_only(group.options())
            )
        }
        Node::Array(array) => {
            let name = if array.path().is_root() {
                String::new()
            } else {
                format!(" '{}'", array.path())
            };
            let dtype = data_type_text(array.data_type(), array.metadata().codecs.byte_order());
            let shape = shape_text(array.shape());
            format!(
                "<zarr.core.Array{name} {shape} {dtype}{}>",
                read_only(array.options())
            )
        }
    }
}
