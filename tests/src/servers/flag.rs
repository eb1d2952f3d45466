//! [`Flag`]: what one server is started with, beyond what all have in common.

/// An argument of `mongod`.
#[derive(Clone)]
pub enum Flag {
    /// As it is.
    Text(&'static str),
    /// The path of a file, where the server finds it: a child process in its folder, a container in its own root.
    File {
        /// Its name.
        name: &'static str,
        /// What is in it; it may be a secret.
        content: String,
    },
}

impl Flag {
    /// The argument, once its file is in that folder.
    pub(crate) fn argument(&self, folder: &str) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::File { name, .. } => format!("{folder}/{name}"),
        }
    }

    /// The file that has to be there.
    pub(crate) fn file(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Text(_) => None,
            Self::File { name, content } => Some((name, content)),
        }
    }
}

impl std::fmt::Debug for Flag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.argument("")) // not what is in the file
    }
}
