//! Loads a configuration: reads the tree, collects the names it defines, then types it block by
//! block. The loader is what those blocks share while it happens.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::classes::{self, Class};
use super::limits::ZoneTable;
use super::logs::{AccessLog, ErrorLog, Escape, Format, Level, LogTarget};
use super::pattern::{self, Pattern};
use super::scope::Scope;
use super::syntax::{self, Arg, ConfigError, Directive};
use super::template::Template;
use super::upstream::UpstreamBlock;
use super::{Config, core, health_check, http, logs, resolver, rewrite, syslog};
use crate::cache::{Caches, Zone};
use crate::check::Check;
use crate::dns::Resolver;
use crate::limit::Zones;
use crate::log::{Buffering, LogFile, Syslog};
use crate::upstream::SessionZones;
use crate::upstream::resolve::HostMap;
use crate::variables::{Family, Names, Var};

/// What the command line says about a configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadOptions {
    pub(crate) path: PathBuf,
    pub(crate) prefix: PathBuf,
    /// `-g`: directives of the main context.
    pub(crate) globals: Vec<String>,
    /// `--map-host`: names whose address is given.
    pub(crate) hosts: Arc<HostMap>,
    /// `-e`: the error log until the configuration names one.
    pub(crate) error_log: Option<String>,
    /// What `limit_req` and `limit_conn` remember, over reloads.
    pub(crate) zones: Zones,
    /// Indexes of caches, over reloads.
    pub(crate) caches: Caches,
    /// What `sticky learn` remembers, over reloads.
    pub(crate) sessions_of_peers: SessionZones,
    /// TLS sessions that clients may come back to, over reloads.
    pub(crate) sessions: crate::tls::Sessions,
    /// `--map-listen`: bind there what the file wants on this port.
    pub(crate) map_listen: BTreeMap<u16, SocketAddr>,
}

pub(super) struct Loader {
    pub(super) names: Names,
    pub(super) formats: HashMap<String, Arc<Format>>,
    pub(super) default_access_log: Vec<AccessLog>,
    pub(super) default_error_log: ErrorLog,
    pub(super) upstreams: RefCell<Vec<Arc<UpstreamBlock>>>,
    pub(super) zones: RefCell<ZoneTable>,
    pub(super) caches: RefCell<Vec<Arc<Zone>>>,
    /// The `match` blocks.
    pub(super) matches: RefCell<health_check::Matches>,
    pub(super) checks: RefCell<Vec<Check>>,
    pub(super) options: LoadOptions,
    /// Name and prefix of the location being built, for the blocks inside it.
    pub(super) enclosing: RefCell<(String, Box<[u8]>)>,
    /// Inside an `if` or a `limit_except`.
    pub(super) in_if: Cell<bool>,
    pub(super) system_resolver: Arc<Resolver>,
    /// By the directive that names it: blocks that inherit one share it, and what it knows.
    resolvers: RefCell<HashMap<*const Directive, Arc<Resolver>>>,
    pub(super) exporter: RefCell<Option<Arc<crate::trace::Exporter>>>,
    files: RefCell<HashMap<String, Arc<LogFile>>>,
    keeps_sent_head: Cell<bool>,
}

/// Loads and checks the whole configuration. Opens logs, but binds no address.
pub(crate) fn load(options: &LoadOptions) -> Result<Config, ConfigError> {
    let tree = syntax::load(&options.path, &options.prefix, &options.globals)?;
    build(tree, options)
}

/// Gives a tree its meaning.
pub(crate) fn build(tree: syntax::Tree, options: &LoadOptions) -> Result<Config, ConfigError> {
    let mut loader = Loader::new(options.clone())?;
    let root = Scope::root(&tree.directives);
    let mut blocks = Vec::new();
    loader.collect_names(&tree.directives, &mut blocks)?;
    let classes = blocks.into_iter().map(|d| Class::parse(d, &loader.names));
    let classes = classes.collect::<Result<Vec<_>, _>>()?;
    let core = core::parse(&root, &loader)?;
    let listens = match root.find("http") {
        Some(block) => http::parse(&root, block, &mut loader)?,
        None => Vec::new(),
    };
    Ok(Config {
        core,
        listens,
        classes,
        upstreams: loader.upstreams.take(),
        caches: loader.caches.take(),
        checks: health_check::enlist(loader.checks.take()),
        exporter: loader.exporter.take(),
        user_variables: loader.names.user_count(),
        names: loader.names,
        keeps_sent_head: loader.keeps_sent_head.get(),
        files: tree.files,
        hosts: Arc::clone(&options.hosts),
        generation: 0,
        retired: Default::default(),
    })
}

impl Loader {
    fn new(options: LoadOptions) -> Result<Self, ConfigError> {
        let stderr = match &options.error_log {
            None => LogFile::stderr(),
            Some(path) if path == "stderr" => LogFile::stderr(),
            Some(path) => {
                let path = options.prefix.join(path);
                LogFile::open(&path).map_err(|why| {
                    ConfigError::new(format!("open() \"{}\" failed ({why})", path.display()))
                })?
            }
        };
        let mut loader = Self {
            names: Names::default(),
            formats: HashMap::new(),
            default_access_log: Vec::new(),
            default_error_log: ErrorLog {
                targets: vec![(Arc::new(stderr), Level::Error)],
            },
            upstreams: RefCell::default(),
            zones: RefCell::default(),
            caches: RefCell::default(),
            matches: RefCell::default(),
            checks: RefCell::default(),
            options,
            enclosing: RefCell::default(),
            in_if: Cell::new(false),
            system_resolver: Arc::new(Resolver::system()),
            resolvers: RefCell::default(),
            exporter: RefCell::default(),
            files: RefCell::default(),
            keeps_sent_head: Cell::new(false),
        };
        let line = Template::parse_text(logs::COMBINED, &loader.names).map_err(ConfigError::new)?;
        let combined = Arc::new(Format {
            line,
            escape: Escape::Default,
        });
        loader
            .formats
            .insert("combined".to_owned(), Arc::clone(&combined));
        let file = Arc::new(LogFile::stdout());
        loader.default_access_log = vec![AccessLog {
            target: LogTarget::File(file),
            format: combined,
            condition: None,
        }];
        Ok(loader)
    }

    /// Variables may be used before the line that defines them, so they are collected first.
    fn collect_names<'a>(
        &mut self,
        directives: &'a [Directive],
        classes: &mut Vec<&'a Directive>,
    ) -> Result<(), ConfigError> {
        for directive in directives {
            if let Some(name) = rewrite::defines(directive)
                && !crate::variables::CHANGEABLE.contains(&name)
            {
                self.names
                    .define(name)
                    .map_err(|why| directive.error(why))?;
            }
            if let Some(name) = classes::defines(directive)? {
                self.names.define_class(name, classes.len());
                classes.push(directive);
            }
            for arg in &directive.args {
                for name in pattern::group_names(pattern_text(arg)) {
                    self.names.define(&name).map_err(|why| arg.error(why))?;
                }
            }
            self.collect_names(directive.children(), classes)?;
        }
        Ok(())
    }

    pub(super) fn template(&self, arg: &Arg) -> Result<Template, ConfigError> {
        self.template_text(arg, &arg.text)
    }

    /// Text that is a part of an argument.
    pub(super) fn template_text(&self, arg: &Arg, text: &str) -> Result<Template, ConfigError> {
        let template = Template::parse_text(text, &self.names).map_err(|why| arg.error(why))?;
        let sent =
            |var: &Var| matches!(var, Var::Family(Family::SentHttp | Family::SentTrailer, _));
        if template.vars().any(sent) {
            self.keeps_sent_head.set(true);
        }
        Ok(template)
    }

    /// Something may ask for a field of the head that was sent.
    pub(super) fn keep_sent_head(&self) {
        self.keeps_sent_head.set(true);
    }

    pub(super) fn pattern(
        &self,
        arg: &Arg,
        text: &str,
        ignore_case: bool,
    ) -> Result<Pattern, ConfigError> {
        Pattern::compile(arg, text, ignore_case, &self.names)
    }

    /// A path of the configuration is relative to the prefix.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.options.prefix.join(text)
    }

    /// Opens a log once, however often it is named.
    pub(super) fn log_file(
        &self,
        arg: &Arg,
        buffering: Option<Buffering>,
    ) -> Result<Arc<LogFile>, ConfigError> {
        let path = arg.text.as_str();
        if let Some(file) = self.files.borrow().get(path) {
            // An error log beside it waits for nothing, and that is no conflict.
            if buffering.is_some() && file.buffering() != buffering {
                return Err(arg.error(format!(
                    "access_log \"{path}\" already defined with conflicting parameters"
                )));
            }
            return Ok(Arc::clone(file));
        }
        let full = self.path(path);
        let file =
            match path {
                "stderr" | "/dev/stderr" => LogFile::stderr(),
                "/dev/stdout" => LogFile::stdout(),
                _ if path.starts_with("syslog:") => {
                    let syslog = Syslog::open(syslog::destination(arg)?);
                    LogFile::to_syslog(syslog.map_err(|why| {
                        arg.error(format!("a socket for \"{path}\" failed ({why})"))
                    })?)
                }
                _ => LogFile::open(&full).map_err(|why| {
                    arg.error(format!("open() \"{}\" failed ({why})", full.display()))
                })?,
            };
        let file = Arc::new(file.buffered(buffering));
        file.register();
        self.files
            .borrow_mut()
            .insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// The cache that `proxy_cache` names.
    pub(super) fn cache_zone(&self, arg: &Arg) -> Result<Arc<Zone>, ConfigError> {
        let caches = self.caches.borrow();
        let zone = caches.iter().find(|zone| zone.name == arg.text);
        let unknown = || arg.error(format!("\"proxy_cache\" zone \"{}\" is unknown", arg.text));
        zone.cloned().ok_or_else(unknown)
    }

    pub(super) fn resolver(&self, directive: &Directive) -> Result<Arc<Resolver>, ConfigError> {
        let at = std::ptr::from_ref(directive);
        if let Some(known) = self.resolvers.borrow().get(&at) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(resolver::parse(directive)?);
        self.resolvers.borrow_mut().insert(at, Arc::clone(&made));
        Ok(made)
    }

    /// The upstream of this name, or one made for an address.
    pub(super) fn upstream(
        &self,
        arg: &Arg,
        authority: &str,
        port: u16,
    ) -> Result<Arc<UpstreamBlock>, ConfigError> {
        let found = self
            .upstreams
            .borrow()
            .iter()
            .find(|u| u.is_named(authority, port))
            .cloned();
        if let Some(found) = found {
            return Ok(found);
        }
        let block = UpstreamBlock::implicit(authority, port)
            .map_err(|why| arg.error(format!("{why} in upstream \"{authority}\"")))?;
        let block = Arc::new(block);
        self.upstreams.borrow_mut().push(Arc::clone(&block));
        Ok(block)
    }

    pub(super) fn prefix(&self) -> &Path {
        &self.options.prefix
    }
}

/// What may be an expression in an argument: after `~`, `~*`, or the whole of it.
fn pattern_text(arg: &Arg) -> &str {
    if !arg.text.contains("(?") {
        return "";
    }
    arg.text
        .trim_start_matches("!")
        .trim_start_matches('~')
        .trim_start_matches('*')
}
