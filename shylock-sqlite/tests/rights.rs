//! Several users on one file.
#![cfg(target_os = "linux")]

mod support;

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::Command,
    time::Duration,
};

use shylock_sqlite::{Backend, ListQuery, SqliteBackend};
use support::{Folder, Teller, acquire, again_as, again_under, name, part, played_well, run};

const TTL: Duration = Duration::from_secs(30);
const ALICE: &str = "31001";
const BOB: &str = "31002";
const GROUP: &str = "31009";

/// The part of this test that this process plays. Who is not root begins it once more as root of a namespace, which has the
/// numbers of other users, too.
fn role(test: &str) -> Option<Vec<String>> {
    let part = part();
    let is_root = Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n";
    if part.is_some() || is_root {
        return Some(part.unwrap_or_default());
    }
    let starter = ["unshare", "--user", "--map-auto", "--map-root-user"];
    played_well(&again_under(&starter, test, &[""]).output().expect("started"));
    None
}

/// This test as another user, who is in the group by the way.
fn as_user(folder: &Folder, user: &str, test: &str, part: &[&str]) -> Command {
    let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
    let groups = format!("--groups={GROUP}");
    again_as(&folder.path().join("program"), &["setpriv", &user, &group, &groups, "--"], test, part)
}

/// What only root can prepare: a folder of the group, the file in it, and a copy of this program that all can reach.
fn shared(mode: u32) -> Folder {
    let folder = Folder::for_all();
    // By another process: a fork of this one at this moment would have the copy open, which then cannot be started.
    let copied =
        Command::new("cp").arg(env::current_exe().expect("a program")).arg(folder.path().join("program")).status();
    assert!(copied.expect("cp runs").success());
    let group = GROUP.parse().expect("a number");
    chown(folder.path(), None, Some(group)).expect("it is root's");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("set");
    fs::write(folder.locks(), "").expect("made");
    chown(folder.locks(), Some(ALICE.parse().expect("a number")), Some(group)).expect("it is root's");
    fs::set_permissions(folder.locks(), fs::Permissions::from_mode(0o660)).expect("set");
    folder
}

async fn hold_on(path: &Path, which: &str) {
    let store = SqliteBackend::open(path).await.expect("opened");
    acquire(&store, &name(which), TTL).await;
    println!("told weak {}", store.weaknesses().len());
    println!("told ready");
    // Until whoever reads this is gone.
    std::io::stdin().read_line(&mut String::new()).expect("read");
}

fn tell_opening(path: &str) {
    match run(SqliteBackend::open(path)) {
        Ok(_) => println!("told opened"),
        Err(error) => println!("told {error}"),
    }
}

/// As the page advises: the file belongs to a group that is nobody's first one.
#[test]
fn users_of_one_group_share_a_file() {
    const TEST: &str = "users_of_one_group_share_a_file";
    match role(TEST).as_deref() {
        None => return,
        Some([path, which]) => return run(hold_on(Path::new(path), which)),
        Some(_) => {}
    }
    for mode in [0o770, 0o2770] {
        let folder = shared(mode);
        let path = folder.locks();
        let path = path.to_str().expect("a text");
        let mut alice = Teller::start(as_user(&folder, ALICE, TEST, &[path, "alices"]));
        assert_eq!(alice.next(), Some(vec!["weak".into(), "0".into()]), "{mode:o}");
        assert_eq!(alice.next(), Some(vec!["ready".into()]), "{mode:o}");
        for ending in ["-wal", "-shm"] {
            let found = fs::metadata(folder.beside(ending)).expect("there");
            assert_eq!((found.gid().to_string(), found.mode() & 0o777), (GROUP.into(), 0o660), "{mode:o} {ending}");
        }
        let bob = as_user(&folder, BOB, TEST, &[path, "bobs"]).output().expect("started");
        played_well(&bob);
        let seen = run(async {
            let store = SqliteBackend::open(path).await.expect("opened");
            store
                .list(&ListQuery { prefix: String::new(), after: None, limit: 9 })
                .await
                .expect("the store answers")
                .len()
        });
        assert_eq!(seen, 2, "one file, two holders");
    }
}

/// There, Linux lets nobody open another user's file so that it may be made; how strict it is, the machine says.
#[test]
fn a_sticky_folder_is_named_as_what_it_is() {
    const TEST: &str = "a_sticky_folder_is_named_as_what_it_is";
    match role(TEST).as_deref() {
        None => return,
        Some([path, which]) => return run(hold_on(Path::new(path), which)),
        Some([path]) if !path.is_empty() => return tell_opening(path),
        Some(_) => {}
    }
    let folder = shared(0o3770);
    let path = folder.locks();
    let path = path.to_str().expect("a text");
    let mut alice = Teller::start(as_user(&folder, ALICE, TEST, &[path, "alices"]));
    assert_eq!(alice.next(), Some(vec!["weak".into(), "1".into()]), "it is said before anybody is shut out");
    assert_eq!(alice.next(), Some(vec!["ready".into()]));
    let strictness = fs::read_to_string("/proc/sys/fs/protected_regular").expect("read");
    let bob = as_user(&folder, BOB, TEST, &[path]).output().expect("started");
    let said = String::from_utf8(bob.stdout).expect("a text");
    match strictness.trim() {
        "2" => assert!(said.contains("sticky") && said.contains("fs.protected_regular"), "{said}"),
        _ => assert!(said.contains("told opened"), "{said}"),
    }
}

/// The owner alone may use a file that this crate has made: the others are told whose it is.
#[test]
fn a_file_of_somebody_else_is_named_with_its_owner() {
    const TEST: &str = "a_file_of_somebody_else_is_named_with_its_owner";
    match role(TEST).as_deref() {
        None => return,
        Some([path]) if !path.is_empty() => return tell_opening(path),
        Some(_) => {}
    }
    let folder = shared(0o770);
    fs::set_permissions(folder.locks(), fs::Permissions::from_mode(0o600)).expect("set");
    let path = folder.locks();
    let bob = as_user(&folder, BOB, TEST, &[path.to_str().expect("a text")]).output().expect("started");
    let said = String::from_utf8(bob.stdout).expect("a text");
    assert!(said.contains(&format!("user {ALICE}")) && said.contains("mode 600"), "{said}");
}
