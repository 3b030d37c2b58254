//! A PostgreSQL with PostGIS for tests.

use std::path::PathBuf;
use std::process::Command;

/// A PostgreSQL of the test's own, in a folder of its own, on a socket there; gone at the end.
pub struct Cluster {
    folder: tempfile::TempDir,
    bin: PathBuf,
}

impl Cluster {
    /// Starts it; `None`, said aloud, where it is not installed.
    pub fn start() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
        let bin = versions.map(|e| e.path().join("bin")).filter(|p| p.join("initdb").exists()).max();
        let postgis = Command::new("sh").args(["-c", "ls /usr/share/postgresql/*/extension/postgis.control"]).output();
        let (Some(bin), true) = (bin, postgis.is_ok_and(|o| o.status.success())) else {
            println!("skipped: PostgreSQL with PostGIS is not installed (postgresql-15-postgis-3)");
            return None;
        };
        let c = Self { folder: tempfile::tempdir().unwrap(), bin };
        if c.as_root() {
            c.said("chown", &["postgres".as_ref(), c.folder.path().as_os_str()], false);
        }
        let at = c.folder.path().display();
        let bin = c.bin.display();
        c.shell(&format!("{bin}/initdb -D {at}/data -A trust -E UTF8 --locale=C.UTF-8 -U postgres"));
        let options = format!("-k {at} -c listen_addresses= -c fsync=off");
        c.shell(&format!("{bin}/pg_ctl -D {at}/data -o '{options}' -l {at}/log -w start"));
        c.shell(&format!("{bin}/createdb -h {at} -U postgres heshan"));
        c.sql("CREATE EXTENSION postgis");
        Some(c)
    }

    fn as_root(&self) -> bool {
        Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n")
    }

    fn said(&self, program: &str, arguments: &[&std::ffi::OsStr], as_postgres: bool) -> String {
        let mut c = if as_postgres && self.as_root() { Command::new("runuser") } else { Command::new(program) };
        if as_postgres && self.as_root() {
            c.args(["-u", "postgres", "--", program]);
        }
        let o = c.current_dir(self.folder.path()).args(arguments).output().unwrap();
        assert!(o.status.success(), "{program}: {}{}", text(&o.stdout), text(&o.stderr));
        text(&o.stdout)
    }

    fn shell(&self, command: &str) -> String {
        // the server must not hold the pipes of the test
        let quiet = format!(
            "{command} > {0}/out 2>&1 < /dev/null; code=$?; cat {0}/out; exit $code",
            self.folder.path().display()
        );
        self.said("sh", &["-c".as_ref(), quiet.as_ref()], true)
    }

    /// What a query answers.
    pub fn sql(&self, query: &str) -> String {
        let host = self.folder.path().display().to_string();
        let psql = self.bin.join("psql");
        let a = ["-h", &host, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-Atc", query, "heshan"].map(AsRef::as_ref);
        self.said(&psql.to_string_lossy(), &a, false)
    }

    /// What the server says to a statement that it must refuse.
    pub fn refused(&self, statement: &str) -> String {
        let host = self.folder.path().display().to_string();
        let a = ["-h", &host, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-Atc", statement, "heshan"];
        let o = Command::new(self.bin.join("psql")).args(a).output().unwrap();
        assert!(!o.status.success(), "{statement} was not refused");
        text(&o.stderr)
    }

    /// Its name as a data source.
    pub fn name(&self) -> String {
        format!("PG:host={} dbname=heshan user=postgres password=geheim", self.folder.path().display())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let at = self.folder.path().display();
        self.shell(&format!("{}/pg_ctl -D {at}/data -m immediate -w stop", self.bin.display()));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
