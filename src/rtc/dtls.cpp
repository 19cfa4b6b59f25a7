#include "rtc/dtls.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <deque>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace hushcast::rtc {

namespace {

template <typename T, void (*Free)(T*)>
struct Deleter {
    void operator()(T* object) const { Free(object); }
};
using SslContext = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX, SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Deleter<SSL, SSL_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using BioMethod = std::unique_ptr<BIO_METHOD, Deleter<BIO_METHOD, BIO_meth_free>>;

/// RFC 8827 section 6.5 wants the first; RSA is for peers with such a certificate. AEAD only.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256:P-384";
/// In order of preference: GCM costs about half of CM with HMAC.
constexpr const char* kSrtpProfiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";  // RFC 5764 section 4.2
/// A chain of self-signed certificates is one of at most a few kB; bounds what a peer may make us
/// reassemble.
constexpr long kMaxCertificateBytes = 16 * 1024;
constexpr long kCertificateDays = 3650;  ///< nobody checks it: the fingerprint is what counts
constexpr unsigned kAtOnceUs = 1;        ///< OpenSSL takes what is due in 15 ms for due
constexpr unsigned kNotInThisLifeUs = 4'000'000'000;  ///< 67 min: far behind kHandshakeTimeout

void require(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

std::optional<Fingerprint> fingerprint_of(const X509& certificate) {
    Fingerprint fingerprint{};
    unsigned size = 0;
    const int done = X509_digest(&certificate, EVP_sha256(), fingerprint.data(), &size);
    return done == 1 ? std::optional(fingerprint) : std::nullopt;
}

Certificate self_signed(EVP_PKEY& key) {
    Certificate certificate(X509_new());
    require(certificate != nullptr, "no certificate");
    X509* const x509 = certificate.get();
    std::uint32_t serial = 0;
    require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1,
            "no randomness");
    X509_NAME* const name = X509_get_subject_name(x509);
    const std::array<unsigned char, 8> common_name{'h', 'u', 's', 'h', 'c', 'a', 's', 't'};
    require(
        X509_set_version(x509, X509_VERSION_3) == 1 &&
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial | 1U) == 1 &&
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name.data(),
                                       static_cast<int>(common_name.size()), -1, 0) == 1 &&
            X509_set_issuer_name(x509, name) == 1 &&
            // A day of slack for clocks that are behind.
            X509_gmtime_adj(X509_getm_notBefore(x509), -24 * 3600) != nullptr &&
            X509_gmtime_adj(X509_getm_notAfter(x509), kCertificateDays * 24 * 3600) != nullptr &&
            X509_set_pubkey(x509, &key) == 1 && X509_sign(x509, &key, EVP_sha256()) != 0,
        "no self-signed certificate");
    return certificate;
}

}  // namespace

std::string to_string(const Fingerprint& fingerprint) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string text;
    text.reserve(fingerprint.size() * 3);
    for (const std::uint8_t byte : fingerprint) {
        if (!text.empty()) text += ':';
        text += kDigits[byte >> 4];
        text += kDigits[byte & 0xf];
    }
    return text;
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        // RFC 8122 wants upper case; some agents write lower.
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return -1;
    };
    Fingerprint fingerprint{};
    if (text.size() != fingerprint.size() * 3 - 1) return std::nullopt;
    for (std::size_t i = 0; i < fingerprint.size(); ++i) {
        const int high = digit(text[3 * i]);
        const int low = digit(text[3 * i + 1]);
        const bool separated = i + 1 == fingerprint.size() || text[3 * i + 2] == ':';
        if (high < 0 || low < 0 || !separated) return std::nullopt;
        fingerprint[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return fingerprint;
}

/// What OpenSSL calls back into. It reads the one datagram under way and writes into a flight.
struct DtlsSession::Impl {
    Impl(const DtlsIdentity& identity, DtlsRole as, const Fingerprint& expected);

    void advance(Time now, Flight& out);
    void on_connected();
    void fail() { state = DtlsState::Failed; }
    bool export_keys();

    // Called by OpenSSL.
    static int bio_read(BIO* bio, char* data, int size);
    static int bio_write(BIO* bio, const char* data, int size);
    static long bio_control(BIO* bio, int command, long number, void* pointer);
    static unsigned timer(SSL* ssl, unsigned previous_us);
    static int verify(X509_STORE_CTX* store, void* unused);

    DtlsRole role;
    Fingerprint remote;
    DtlsState state = DtlsState::Connecting;
    SrtpKeys keys;
    Time deadline = kNever;  ///< of the handshake; kNever before start()

    Bytes incoming;          ///< the datagram under way, until OpenSSL has read it
    Flight* sink = nullptr;  ///< where OpenSSL's writes go; never null inside a call
    /// Retransmissions of the last flight that wait for their time, each with record numbers of its
    /// own.
    std::deque<Flight> copies;
    bool flight_is_new = false;
    Time retransmit_at = kNever;
    Duration retransmit_after{};
    Ssl ssl;  ///< last: its destruction may still call back
};

struct DtlsIdentity::Impl {
    BioMethod bio_method;
    Key key;
    Certificate certificate;
    SslContext context;
    Fingerprint fingerprint{};
};

DtlsIdentity::DtlsIdentity() : impl_(std::make_unique<Impl>()) {
    using Session = DtlsSession::Impl;
    impl_->key.reset(EVP_EC_gen("P-256"));
    require(impl_->key != nullptr, "no P-256 key");
    impl_->certificate = self_signed(*impl_->key);
    const auto fingerprint = fingerprint_of(*impl_->certificate);
    require(fingerprint.has_value(), "no certificate digest");
    impl_->fingerprint = *fingerprint;

    impl_->bio_method.reset(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams"));
    BIO_METHOD* const method = impl_->bio_method.get();
    require(method != nullptr && BIO_meth_set_read(method, Session::bio_read) == 1 &&
                BIO_meth_set_write(method, Session::bio_write) == 1 &&
                BIO_meth_set_ctrl(method, Session::bio_control) == 1,
            "no BIO method");

    impl_->context.reset(SSL_CTX_new(DTLS_method()));
    SSL_CTX* const context = impl_->context.get();
    require(context != nullptr, "no context");
    // No tickets and no session cache: every association has its own keys. The MTU is ours to say.
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, kMaxCertificateBytes);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, Session::verify, nullptr);
    require(SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
                SSL_CTX_set_cipher_list(context, kCiphers) == 1 &&
                SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
                // This one gives 0 for success.
                SSL_CTX_set_tlsext_use_srtp(context, kSrtpProfiles) == 0 &&
                SSL_CTX_use_certificate(context, impl_->certificate.get()) == 1 &&
                SSL_CTX_use_PrivateKey(context, impl_->key.get()) == 1,
            "no DTLS context");
}

DtlsIdentity::~DtlsIdentity() = default;

const Fingerprint& DtlsIdentity::fingerprint() const { return impl_->fingerprint; }

DtlsSession::Impl::Impl(const DtlsIdentity& identity, DtlsRole as, const Fingerprint& expected)
    : role(as), remote(expected), ssl(SSL_new(identity.impl_->context.get())) {
    BIO* const bio = BIO_new(identity.impl_->bio_method.get());
    require(ssl != nullptr && bio != nullptr, "out of memory");
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl.get(), bio, bio);
    SSL_set_app_data(ssl.get(), this);
    SSL_set_mtu(ssl.get(), kMtuBytes);
    DTLS_set_timer_cb(ssl.get(), timer);
    if (role == DtlsRole::Client) {
        SSL_set_connect_state(ssl.get());
    } else {
        SSL_set_accept_state(ssl.get());
    }
}

int DtlsSession::Impl::bio_read(BIO* bio, char* data, int size) {
    auto& self = *static_cast<Impl*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (self.incoming.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    // One read is one datagram; what does not fit is cut off, as a socket does.
    const std::size_t count =
        std::min(self.incoming.size(), static_cast<std::size_t>(std::max(size, 0)));
    std::memcpy(data, self.incoming.data(), count);
    self.incoming = {};
    return static_cast<int>(count);
}

int DtlsSession::Impl::bio_write(BIO* bio, const char* data, int size) {
    auto& self = *static_cast<Impl*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (self.sink != nullptr) self.sink->emplace_back(data, data + size);
    return size;
}

long DtlsSession::Impl::bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// OpenSSL's retransmission timer runs on the wall clock, and nothing in its interface moves it to
/// another. What can be said is how long it waits: so each flight is retransmitted at once, as
/// often as it ever will be, and the copies lie here until virtual time lets them out. Unlike
/// datagrams sent twice, they have fresh record numbers: a peer that lost its own last flight drops
/// an old record as a replay and would never notice that we are still waiting (docs/transport.md).
unsigned DtlsSession::Impl::timer(SSL* ssl, unsigned previous_us) {
    auto& self = *static_cast<Impl*>(SSL_get_app_data(ssl));
    if (previous_us == 0) {  // the first message of a new flight is about to be written
        self.copies.clear();
        self.flight_is_new = true;
        return kAtOnceUs;
    }
    self.sink = &self.copies.emplace_back();
    return self.copies.size() < kMaxRetransmissions ? kAtOnceUs : kNotInThisLifeUs;
}

int DtlsSession::Impl::verify(X509_STORE_CTX* store, void* /*unused*/) {
    const auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const auto& self = *static_cast<const Impl*>(SSL_get_app_data(ssl));
    const X509* certificate = X509_STORE_CTX_get0_cert(store);
    if (certificate != nullptr && fingerprint_of(*certificate) == self.remote) return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

void DtlsSession::Impl::advance(Time now, Flight& out) {
    sink = &out;
    flight_is_new = false;
    ERR_clear_error();
    SSL_alloc_buffers(ssl.get());
    int result = 1;
    if (state == DtlsState::Connecting) {
        result = SSL_do_handshake(ssl.get());
        sink = &out;  // the timer may have turned it to a copy
        if (result == 1) on_connected();
        if (flight_is_new && !copies.empty() && state == DtlsState::Connecting) {
            retransmit_after = kFirstRetransmission;
            retransmit_at = now + retransmit_after;
        }
    }
    // Also for what a finished handshake still has to answer: the peer's last flight once more,
    // which asks for ours, and alerts. There is no application data in WebRTC's DTLS without data
    // channels; what comes is thrown away, each read taking at least one record of the one datagram
    // under way.
    std::array<std::uint8_t, 256> ignored{};
    while (state == DtlsState::Connected && result > 0) {
        result = SSL_read(ssl.get(), ignored.data(), static_cast<int>(ignored.size()));
    }
    if (result <= 0) {
        switch (SSL_get_error(ssl.get(), result)) {
            case SSL_ERROR_WANT_READ: break;
            case SSL_ERROR_ZERO_RETURN:
                SSL_shutdown(ssl.get());
                state = DtlsState::Closed;
                break;
            default: fail(); break;
        }
    }
    ERR_clear_error();
    incoming = {};
    sink = nullptr;
    if (state != DtlsState::Connecting) {
        copies.clear();
        retransmit_at = kNever;
        // 34 kB that a peer would hold for a whole broadcast, for nothing but a close_notify.
        SSL_free_buffers(ssl.get());
    }
}

void DtlsSession::Impl::on_connected() {
    if (export_keys()) {
        state = DtlsState::Connected;
    } else {
        fail();  // the peer did not agree to SRTP
    }
}

bool DtlsSession::Impl::export_keys() {
    const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl.get());
    if (profile == nullptr) return false;
    keys.profile = static_cast<SrtpProfile>(profile->id);
    const std::size_t key_bytes = keys.local.key.size();
    const std::size_t salt_bytes = keys.profile == SrtpProfile::AeadAes128Gcm ? 12 : 14;
    std::array<std::uint8_t, 2 * (16 + 14)> material{};
    if (SSL_export_keying_material(ssl.get(), material.data(), 2 * (key_bytes + salt_bytes),
                                   kExporterLabel.data(), kExporterLabel.size(), nullptr, 0,
                                   0) != 1) {
        return false;
    }
    // Client's key, server's key, client's salt, server's salt.
    ByteReader reader(material);
    SrtpMasterKey& client = role == DtlsRole::Client ? keys.local : keys.remote;
    SrtpMasterKey& server = role == DtlsRole::Client ? keys.remote : keys.local;
    const auto take = [&](std::span<std::uint8_t> into, std::size_t count) {
        const Bytes bytes = reader.bytes(count);
        std::copy(bytes.begin(), bytes.end(), into.begin());
    };
    take(client.key, key_bytes);
    take(server.key, key_bytes);
    take(client.salt, salt_bytes);
    take(server.salt, salt_bytes);
    OPENSSL_cleanse(material.data(), material.size());
    return true;
}

DtlsSession::DtlsSession(const DtlsIdentity& identity, DtlsRole role, const Fingerprint& remote)
    : impl_(std::make_unique<Impl>(identity, role, remote)) {}

DtlsSession::~DtlsSession() = default;
DtlsSession::DtlsSession(DtlsSession&&) noexcept = default;

void DtlsSession::start(Time now, Flight& out) {
    if (impl_->deadline != kNever || impl_->state != DtlsState::Connecting) return;
    impl_->deadline = now + kHandshakeTimeout;
    if (impl_->role == DtlsRole::Client) impl_->advance(now, out);
}

void DtlsSession::on_datagram(Time now, Bytes datagram, Flight& out) {
    const bool alive =
        impl_->state == DtlsState::Connecting || impl_->state == DtlsState::Connected;
    if (!alive || impl_->deadline == kNever || datagram.empty()) return;
    impl_->incoming = datagram;
    impl_->advance(now, out);
}

void DtlsSession::on_timeout(Time now, Flight& out) {
    Impl& self = *impl_;
    if (self.state != DtlsState::Connecting) return;
    if (now >= self.deadline) {
        self.fail();
        self.copies.clear();
        return;
    }
    if (now < self.retransmit_at || self.copies.empty()) return;
    std::move(self.copies.front().begin(), self.copies.front().end(), std::back_inserter(out));
    self.copies.pop_front();
    self.retransmit_after = std::min<Duration>(2 * self.retransmit_after, kLongestRetransmission);
    self.retransmit_at = self.copies.empty() ? kNever : now + self.retransmit_after;
}

Time DtlsSession::next_timeout() const {
    if (impl_->state != DtlsState::Connecting) return kNever;
    return std::min(impl_->retransmit_at, impl_->deadline);
}

DtlsState DtlsSession::state() const { return impl_->state; }

const SrtpKeys& DtlsSession::keys() const {
    assert(impl_->state == DtlsState::Connected || impl_->state == DtlsState::Closed);
    return impl_->keys;
}

void DtlsSession::close(Flight& out) {
    if (impl_->state == DtlsState::Connected) {
        impl_->sink = &out;
        ERR_clear_error();
        SSL_alloc_buffers(impl_->ssl.get());
        SSL_shutdown(impl_->ssl.get());
        ERR_clear_error();
        impl_->sink = nullptr;
    }
    if (impl_->state != DtlsState::Failed) impl_->state = DtlsState::Closed;
}

}  // namespace hushcast::rtc
