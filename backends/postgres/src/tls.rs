//! Encryption of connections, by rustls.
//!
//! Invariant: a certificate proves what the connection string asks of it, or there is no connection.

use std::sync::Arc;

use lucent_core::store::StoreError;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{self, CryptoProvider},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::address::{Proof, Trust};

/// Makes what encrypts connections.
pub(crate) fn encryption(trust: &Trust) -> Result<MakeRustlsConnect, StoreError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let authority = match trust.proof {
        Proof::Nothing => None,
        Proof::Authority | Proof::Host => {
            let roots = Arc::new(authorities(trust)?);
            let builder = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            Some(builder.build().map_err(|error| unusable(trust, &error.to_string()))?)
        }
    };
    let verifier = Verifier { authority, proof: trust.proof, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(trust, &error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// The authorities that may sign the server's certificate.
fn authorities(trust: &Trust) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = &trust.authorities else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        return match (roots.is_empty(), found.errors.first()) {
            (false, _) => Ok(roots),
            (true, Some(error)) => Err(unusable(trust, &error.to_string())),
            (true, None) => Err(unusable(trust, "there are none")),
        };
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unusable(trust, &error.to_string()))?;
    for certificate in certificates {
        roots.add(certificate).map_err(|error| unusable(trust, &error.to_string()))?;
    }
    match roots.is_empty() {
        false => Ok(roots),
        true => Err(unusable(trust, "there is no certificate in it")),
    }
}

fn unusable(trust: &Trust, reason: &str) -> StoreError {
    let location = match &trust.authorities {
        Some(path) => format!("a server whose authorities are in {}", path.display()),
        None => "a server whose authorities are those of the system".to_owned(),
    };
    StoreError::Inaccessible {
        location,
        reason: format!("cannot use the authorities: {reason}"),
        remedy: "name a file with their certificates, as PEM, in `sslrootcert`".to_owned(),
    }
}

/// Checks what a certificate has to prove, and always that the server owns it.
#[derive(Debug)]
struct Verifier {
    authority: Option<Arc<WebPkiServerVerifier>>,
    proof: Proof,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authority) = &self.authority else {
            return Ok(ServerCertVerified::assertion());
        };
        match authority.verify_server_cert(certificate, intermediates, server, ocsp, now) {
            // The name is looked at last, so everything else is as it has to be.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.proof < Proof::Host => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
