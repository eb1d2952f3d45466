//! An authority, and what it certifies.

use std::sync::Arc;

use pkcs8::{PrivateKeyInfoRef, SecretDocument, der::pem::LineEnding, pkcs5::pbes2::Parameters};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};

/// Makes certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Certified {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut about = CertificateParams::default();
        about.distinguished_name.push(DnType::CommonName, name);
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        about.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Self(CertifiedIssuer::self_signed(about, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    /// What a client has to trust.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Good for this host, today.
    pub(crate) fn certify(&self, host: &str) -> Certified {
        self.certify_until(host, 4000)
    }

    /// Was good for this host once.
    pub(crate) fn certify_once(&self, host: &str) -> Certified {
        self.certify_until(host, 2001)
    }

    fn certify_until(&self, host: &str, year: i32) -> Certified {
        let mut about = CertificateParams::new([host.to_owned()]).expect("a name of a host");
        about.distinguished_name.push(DnType::CommonName, "a certificate of the tests");
        about.not_before = date_time_ymd(2000, 1, 1);
        about.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = about.signed_by(&key, &self.0).expect("a certificate");
        Certified { certificate, key }
    }
}

impl Certified {
    /// The certificate, and the key as it is.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem() + &self.key.serialize_pem()
    }

    /// The certificate, and the key under a password.
    pub(crate) fn pem_with(&self, password: &str) -> String {
        let key = PrivateKeyInfoRef::try_from(self.key.serialized_der()).expect("a key");
        // Two rounds: it need not withstand anybody.
        let how = Parameters::generate_pbkdf2_sha256_aes256cbc(2, &[7; 16], [7; 16]).expect("a cipher");
        let hidden: SecretDocument = key.encrypt_with_params(how, password).expect("encrypted");
        let hidden = hidden.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).expect("a text");
        self.certificate.pem() + &hidden
    }

    /// For a server that asks clients for none.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der()).into();
        let config = ServerConfig::builder().with_no_client_auth();
        Arc::new(config.with_single_cert(vec![self.certificate.der().clone()], key).expect("they fit"))
    }
}
