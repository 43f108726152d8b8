//! The objects that GitHub's events are made of, with names of our own: one student, one repository, one issue. Their
//! fields are those of the published schema (npm @octokit/webhooks-schemas), which the client tests check.

use serde_json::{Map, Value, json};

/// What the student chooses; everything else is fixed, so that two runs can be compared.
#[derive(Clone, Debug)]
pub struct Story {
    pub title: String,
    pub text: String,
    pub number: u64,
    /// RFC 3339, UTC.
    pub now: String,
}

const HOME: &str = "https://git.example";
const API: &str = "https://api.git.example";
const OWNER: &str = "ada";
const NAME: &str = "lab-8";
const FULL_NAME: &str = "ada/lab-8";
const CREATED: &str = "2026-01-12T09:00:00Z";

/// Links of a user below `/users/<login>`.
const USER_LINKS: [(&str, &str); 9] = [
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

/// Links of a repository below `/repos/<owner>/<name>`.
const REPOSITORY_LINKS: [(&str, &str); 37] = [
    ("url", ""),
    ("forks_url", "/forks"),
    ("keys_url", "/keys{/key_id}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("teams_url", "/teams"),
    ("hooks_url", "/hooks"),
    ("issue_events_url", "/issues/events{/number}"),
    ("events_url", "/events"),
    ("assignees_url", "/assignees{/user}"),
    ("branches_url", "/branches{/branch}"),
    ("tags_url", "/tags"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("trees_url", "/git/trees{/sha}"),
    ("statuses_url", "/statuses/{sha}"),
    ("languages_url", "/languages"),
    ("stargazers_url", "/stargazers"),
    ("contributors_url", "/contributors"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("commits_url", "/commits{/sha}"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("comments_url", "/comments{/number}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("contents_url", "/contents/{+path}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("merges_url", "/merges"),
    ("archive_url", "/{archive_format}{/ref}"),
    ("downloads_url", "/downloads"),
    ("issues_url", "/issues{/number}"),
    ("pulls_url", "/pulls{/number}"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("labels_url", "/labels{/name}"),
    ("releases_url", "/releases{/id}"),
    ("deployments_url", "/deployments"),
];

fn with_links(mut object: Value, base: &str, links: &[(&str, &str)]) -> Value {
    let fields = object.as_object_mut().expect("built as an object");
    fields.extend(
        links
            .iter()
            .map(|(name, path)| ((*name).to_owned(), json!(format!("{base}{path}")))),
    );
    object
}

pub(super) fn user() -> Value {
    let user = json!({
        "login": OWNER, "id": 18_151_210, "node_id": "U_ada", "avatar_url": format!("{HOME}/avatars/{OWNER}"),
        "gravatar_id": "", "url": format!("{API}/users/{OWNER}"), "html_url": format!("{HOME}/{OWNER}"),
        "type": "User", "site_admin": false,
    });
    with_links(user, &format!("{API}/users/{OWNER}"), &USER_LINKS)
}

pub(super) fn repository(now: &str, stars: u64) -> Value {
    let repository = json!({
        "id": 79_929_171, "node_id": "R_lab8", "name": NAME, "full_name": FULL_NAME, "private": false,
        "owner": user(), "html_url": format!("{HOME}/{FULL_NAME}"), "description": "Lab 8", "fork": false,
        "created_at": CREATED, "updated_at": now, "pushed_at": now,
        "git_url": format!("git://git.example/{FULL_NAME}.git"),
        "ssh_url": format!("git@git.example:{FULL_NAME}.git"),
        "clone_url": format!("{HOME}/{FULL_NAME}.git"), "svn_url": format!("{HOME}/{FULL_NAME}"),
        "homepage": null, "size": 8, "stargazers_count": stars, "watchers_count": stars, "language": "Rust",
        "has_issues": true, "has_projects": false, "has_downloads": true, "has_wiki": false, "has_pages": false,
        "forks_count": 0, "mirror_url": null, "archived": false, "open_issues_count": 1, "license": null,
        "forks": 0, "open_issues": 1, "watchers": stars, "default_branch": "main", "is_template": false,
        "web_commit_signoff_required": false, "topics": ["webhooks"], "visibility": "public",
        "custom_properties": {},
    });
    with_links(
        repository,
        &format!("{API}/repos/{FULL_NAME}"),
        &REPOSITORY_LINKS,
    )
}

fn reactions(of: &str) -> Value {
    let mut counts: Map<String, Value> = [
        "+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket",
    ]
    .iter()
    .map(|kind| ((*kind).to_owned(), json!(0)))
    .collect();
    counts.insert("total_count".to_owned(), json!(0));
    counts.insert("url".to_owned(), json!(format!("{of}/reactions")));
    Value::Object(counts)
}

pub(super) fn issue(story: &Story, closed: bool, comments: u64) -> Value {
    let number = story.number;
    let url = format!("{API}/repos/{FULL_NAME}/issues/{number}");
    json!({
        "url": url, "repository_url": format!("{API}/repos/{FULL_NAME}"),
        "labels_url": format!("{url}/labels{{/name}}"), "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"), "html_url": format!("{HOME}/{FULL_NAME}/issues/{number}"),
        "id": 444_500_000 + number, "node_id": format!("I_{number}"), "number": number,
        "title": story.title, "user": user(), "labels": [], "state": if closed { "closed" } else { "open" },
        "locked": false, "assignee": null, "assignees": [], "milestone": null, "comments": comments,
        "created_at": CREATED, "updated_at": story.now,
        "closed_at": if closed { json!(story.now) } else { Value::Null },
        "author_association": "OWNER", "active_lock_reason": null, "body": story.text,
        "reactions": reactions(&url),
    })
}

pub(super) fn comment(story: &Story) -> Value {
    let issue = format!("{API}/repos/{FULL_NAME}/issues/{}", story.number);
    let url = format!("{API}/repos/{FULL_NAME}/issues/comments/1");
    json!({
        "url": url, "html_url": format!("{HOME}/{FULL_NAME}/issues/{}#comment-1", story.number),
        "issue_url": issue, "id": 1, "node_id": "IC_1", "user": user(), "created_at": story.now,
        "updated_at": story.now, "author_association": "OWNER", "performed_via_github_app": null,
        "body": story.text, "reactions": reactions(&url),
    })
}

/// A push of one commit.
pub(super) fn push(story: &Story) -> Value {
    const BEFORE: &str = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
    const AFTER: &str = "0000000000000000000000000000000000000008";
    let author = json!({ "name": "Ada", "email": "ada@git.example", "username": OWNER });
    let commit = json!({
        "id": AFTER, "tree_id": "31b122c26a97cf9af023e9ddab94a82c6e77b0ea", "distinct": true,
        "message": story.title, "timestamp": story.now, "url": format!("{HOME}/{FULL_NAME}/commit/{AFTER}"),
        "author": author, "committer": author, "added": [], "removed": [], "modified": ["README.md"],
    });
    json!({
        "ref": "refs/heads/main", "before": BEFORE, "after": AFTER, "created": false, "deleted": false,
        "forced": false, "base_ref": null, "compare": format!("{HOME}/{FULL_NAME}/compare/{BEFORE}...{AFTER}"),
        "commits": [commit], "head_commit": commit, "repository": repository(&story.now, 0),
        "pusher": { "name": OWNER, "email": "ada@git.example" }, "sender": user(),
    })
}

/// The hook that a ping introduces.
pub(super) fn hook(story: &Story, hook_id: u64, url: &str, content_type: &str) -> Value {
    let hook = format!("{API}/repos/{FULL_NAME}/hooks/{hook_id}");
    json!({
        "type": "Repository", "id": hook_id, "name": "web", "active": true, "events": ["issues", "push"],
        "config": { "content_type": content_type, "insecure_ssl": "0", "url": url },
        "updated_at": story.now, "created_at": story.now, "url": hook,
        "test_url": format!("{hook}/test"), "ping_url": format!("{hook}/pings"),
        "deliveries_url": format!("{hook}/deliveries"),
        "last_response": { "code": null, "status": "unused", "message": null },
    })
}
