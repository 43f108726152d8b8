use super::*;

#[test]
fn the_modules_own_configuration_loads_unchanged() {
    let tree = load_str("nginx.conf", MODULE).unwrap();
    let names: Vec<_> = tree.directives.iter().map(|directive| directive.name.as_str()).collect();
    assert_eq!(names, ["events", "http"]);
    let http = tree.directives[1].children();
    assert_eq!(http[0].args[0].text, "flask_servers");
    assert_eq!(http[0].children().len(), 3);
    let location = &http[1].children()[1];
    assert_eq!(location.children()[1].args[1].text, "$host");
}

const MODULE: &str = "
events {}

http {
    upstream flask_servers {
        # least_conn;
        # ip_hash;
        server flask_server1:5000;
        server flask_server2:5000;
        server flask_server3:5000;
    }

    server {
        listen 80;

        location / {
            proxy_pass http://flask_servers;
            proxy_set_header Host $host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }
    }
}
";
