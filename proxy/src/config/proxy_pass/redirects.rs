//! `proxy_redirect`: how a `Location` of the peer's becomes one of ours.

use super::Target;
use crate::config::loader::Loader;
use crate::config::pattern::Pattern;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;

#[derive(Debug)]
pub(crate) enum RedirectRule {
    Text {
        from: Template,
        to: Template,
    },
    Pattern {
        from: Pattern,
        to: Template,
    },
    /// `default` of a `proxy_pass` with variables: known only when the request is.
    Default,
}

pub(super) fn redirects(
    scope: &Scope<'_>,
    target: &Target,
    prefix: &[u8],
    loader: &Loader,
) -> Result<Vec<RedirectRule>, ConfigError> {
    let directives = scope.all("proxy_redirect");
    if directives.is_empty() {
        return Ok(default_redirect(target, prefix).into_iter().collect());
    }
    let mut rules = Vec::new();
    for directive in directives {
        match directive.args.as_slice() {
            [word] if word.text == "off" => return Ok(Vec::new()),
            [word] if word.text == "default" => {
                if matches!(target, Target::Variable { .. }) {
                    return Err(word.error("\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables"));
                }
                rules.extend(default_redirect(target, prefix));
            }
            [from, to] => {
                let to = loader.template(to)?;
                rules.push(match from.text.strip_prefix('~') {
                    Some(rest) => {
                        let text = rest.strip_prefix('*').unwrap_or(rest);
                        let from = loader.pattern(from, text, rest.starts_with('*'))?;
                        RedirectRule::Pattern { from, to }
                    }
                    None => RedirectRule::Text {
                        from: loader.template(from)?,
                        to,
                    },
                });
            }
            _ => return Err(directive.error("invalid parameter")),
        }
    }
    Ok(rules)
}

/// `proxy_pass http://a/b/;` in `location /c/` turns `Location: http://a/b/x` into `/c/x`.
fn default_redirect(target: &Target, prefix: &[u8]) -> Option<RedirectRule> {
    match target {
        Target::Variable { .. } => Some(RedirectRule::Default),
        Target::Fixed {
            scheme,
            upstream,
            path,
            ..
        } => {
            let mut from =
                format!("{}://{}", scheme.as_str(), upstream.upstream.name()).into_bytes();
            from.extend_from_slice(path.as_deref().unwrap_or(b"/"));
            let to = if path.is_some() { prefix } else { b"/" };
            Some(RedirectRule::Text {
                from: Template::literal(&from),
                to: Template::literal(to),
            })
        }
    }
}
