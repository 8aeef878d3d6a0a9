//! TLS with a certificate of a private authority, both made at the start, for clients that speak nothing else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::error::Error;

/// A listener that takes only connections that speak TLS.
pub(crate) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    /// Makes an authority and a certificate for the loopback addresses; the authority's is written to `folder`, for clients to trust.
    pub(crate) fn new(listener: TcpListener, folder: &Path) -> Result<(Self, PathBuf), Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Tls(error.to_string());
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "Authority of a simulator");
        let authority_key = KeyPair::generate().map_err(|error| failed(&error))?;
        let trusted = authority
            .self_signed(&authority_key)
            .map_err(|error| failed(&error))?;
        let issuer = Issuer::new(authority, authority_key);
        let names = [
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        let own_key = KeyPair::generate().map_err(|error| failed(&error))?;
        let own = CertificateParams::new(names)
            .and_then(|params| params.signed_by(&own_key, &issuer))
            .map_err(|error| failed(&error))?;
        let key =
            PrivateKeyDer::try_from(own_key.serialize_der()).map_err(|error| failed(&error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], key)
            .map_err(|error| failed(&error))?;
        let path = folder.join("certificate.pem");
        std::fs::write(&path, trusted.pem()).map_err(Error::file(&path))?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok((Self { listener, acceptor }, path))
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            match self.acceptor.accept(stream).await {
                Ok(stream) => return (stream, address),
                Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
