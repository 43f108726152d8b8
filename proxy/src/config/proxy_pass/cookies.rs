//! `proxy_cookie_domain`, `proxy_cookie_path`, `proxy_cookie_flags`.

use crate::config::loader::Loader;
use crate::config::pattern::{Matcher, Pattern};
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;

#[derive(Debug)]
pub(crate) struct CookieRule {
    pub(crate) from: CookieMatch,
    pub(crate) to: Template,
}

#[derive(Debug)]
pub(crate) enum CookieMatch {
    Text(Template),
    Pattern(Pattern),
}

pub(super) fn rules(
    scope: &Scope<'_>,
    name: &'static str,
    loader: &Loader,
) -> Result<Vec<CookieRule>, ConfigError> {
    let mut rules = Vec::new();
    for directive in scope.all(name) {
        match directive.args.as_slice() {
            [word] if word.text == "off" => return Ok(Vec::new()),
            [from, to] => {
                let from = match from.text.strip_prefix('~') {
                    Some(rest) => {
                        // Domains have no case; paths do, unless `~*` says otherwise.
                        let ignore_case = rest.starts_with('*') || name == "proxy_cookie_domain";
                        let text = rest.strip_prefix('*').unwrap_or(rest);
                        CookieMatch::Pattern(loader.pattern(from, text, ignore_case)?)
                    }
                    None => CookieMatch::Text(loader.template_text(
                        from,
                        if name == "proxy_cookie_domain" {
                            from.text.trim_start_matches('.')
                        } else {
                            &from.text
                        },
                    )?),
                };
                let to = if name == "proxy_cookie_domain" && matches!(from, CookieMatch::Text(_)) {
                    loader.template_text(to, to.text.trim_start_matches('.'))?
                } else {
                    loader.template(to)?
                };
                rules.push(CookieRule { from, to });
            }
            _ => return Err(directive.error("invalid parameter")),
        }
    }
    Ok(rules)
}

pub(super) fn flags(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Vec<(Template, Vec<String>)>, ConfigError> {
    let mut rules = Vec::new();
    for directive in scope.all("proxy_cookie_flags") {
        let Some((name, flags)) = directive.args.split_first() else {
            continue;
        };
        if name.text == "off" {
            return Ok(Vec::new());
        }
        if matches!(Matcher::parse(name, &loader.names)?, Matcher::Pattern(_)) {
            return Err(name
                .error("expressions in \"proxy_cookie_flags\" are not implemented by this proxy"));
        }
        let flags = flags
            .iter()
            .map(|flag| flag.text.to_ascii_lowercase())
            .collect();
        rules.push((loader.template(name)?, flags));
    }
    Ok(rules)
}
