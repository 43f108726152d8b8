//! Chapter 5: doors that open for those they should, and a limit that hurts nobody else.
use anyhow::Result;

use super::Finding;
use super::witness::Witness;

const DOORS: &str = "doors.localhost";
const LIMITS: &str = "limits.localhost";
const ADA: (&str, &str) = ("Authorization", "Basic YWRhOmxvdmVsYWNl");

pub(super) async fn look(witness: &Witness) -> Result<Vec<Finding>> {
    let lan = witness.status_of(DOORS, "/lan/", None).await?;
    let stranger = witness.status_of(DOORS, "/staff/", None).await?;
    let ada = witness.status_of(DOORS, "/staff/", Some(ADA)).await?;
    let mut limited = Vec::new();
    let mut open = Vec::new();
    for _ in 0..20 {
        limited.push(witness.status_of(LIMITS, "/burst/", None).await?);
        open.push(witness.status_of("localhost", "/", None).await?);
    }
    let refused = limited.iter().filter(|status| **status == 429).count();
    Ok(vec![
        Finding::new(
            lan == 403,
            format!("{DOORS}/lan/ is closed to you: {lan}"),
            "in doors.conf, `location /lan/`: allow 192.0.2.0/24; deny all;",
        ),
        Finding::new(
            stranger == 401 && ada == 200,
            format!("{DOORS}/staff/ asks who you are ({stranger}) and knows ada ({ada})"),
            "in doors.conf, `location /staff/`: auth_basic and auth_basic_user_file, with ada in the file",
        ),
        Finding::new(
            refused >= 10,
            format!("of 20 requests in a row {LIMITS}/burst/ refuses {refused} with 429"),
            "in limits.conf: limit_req zone=burst burst=3 nodelay; and limit_req_status 429;",
        ),
        Finding::new(
            open.iter().all(|status| *status == 200),
            "and meanwhile not one request to the main lab is refused",
            "a limit stands in `http` or in the main server; it belongs into the location that needs it",
        ),
    ])
}
