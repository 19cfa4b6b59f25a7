#include "rtc/srtp_crypto.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <span>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace hushcast::rtc {

namespace {

constexpr std::size_t kGcmTagBytes = 16;
constexpr std::size_t kGcmSaltBytes = 12;
constexpr std::size_t kGcmIvBytes = 12;
constexpr std::size_t kCmTagBytes = 10;
constexpr std::size_t kCmIvBytes = 16;
constexpr std::size_t kSha1Bytes = 20;
constexpr std::uint32_t kEncryptedFlag = 0x8000'0000;
constexpr std::size_t kSsrcInRtp = 8;
constexpr std::size_t kSsrcInRtcp = 4;

struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
struct FreeMac {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

/// OpenSSL refuses these calls for want of memory only: that ends the request that makes the peer.
void require(bool worked) {
    if (!worked) throw std::bad_alloc();
}

int length(std::size_t bytes) { return static_cast<int>(bytes); }

void put_u32(std::uint8_t* out, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

std::uint32_t get_u32(const std::uint8_t* in) {
    return std::uint32_t{in[0]} << 24 | std::uint32_t{in[1]} << 16 | std::uint32_t{in[2]} << 8 |
           in[3];
}

CipherContext make_context(const EVP_CIPHER* cipher, const std::uint8_t* key, bool encrypt) {
    CipherContext context(EVP_CIPHER_CTX_new());
    require(context != nullptr &&
            EVP_CipherInit_ex2(context.get(), cipher, key, nullptr, encrypt ? 1 : 0, nullptr) == 1);
    return context;
}

/// Runs the context over `size` bytes in place, or over data that is only authenticated.
bool update(EVP_CIPHER_CTX* context, std::uint8_t* out, const std::uint8_t* in, std::size_t size) {
    int done = 0;
    return size == 0 || EVP_CipherUpdate(context, out, &done, in, length(size)) == 1;
}

/// RFC 7714 on one GCM context.
class GcmCipher final : public SrtpCipher {
public:
    GcmCipher(SrtpDirection direction, const SrtpSessionKeys& rtp, const SrtpSessionKeys& rtcp)
        : keys_{rtp, rtcp},
          context_(make_context(
              EVP_aes_128_gcm(), rtp.encryption.data(), direction == SrtpDirection::Seal)) {}

    [[nodiscard]] std::size_t tag_bytes() const override { return kGcmTagBytes; }

    void seal_rtp(std::uint8_t* buffer,
                  std::size_t size,
                  std::size_t header,
                  std::uint64_t index) override {
        start(SrtpStream::Rtp, buffer + kSsrcInRtp, index);
        update(context_.get(), nullptr, buffer, header);
        update(context_.get(), buffer + header, buffer + header, size - header);
        finish_sealing(buffer + size);
    }

    bool open_rtp(std::uint8_t* buffer,
                  std::size_t size,
                  std::size_t header,
                  std::uint64_t index) override {
        const std::size_t end = size - kGcmTagBytes;
        start(SrtpStream::Rtp, buffer + kSsrcInRtp, index);
        return update(context_.get(), nullptr, buffer, header) &&
               update(context_.get(), buffer + header, buffer + header, end - header) &&
               finish_opening(buffer + end);
    }

    void seal_rtcp(std::uint8_t* buffer, std::size_t size, std::uint32_t index) override {
        std::uint8_t* const word = buffer + size + kGcmTagBytes;
        put_u32(word, kEncryptedFlag | index);
        start(SrtpStream::Rtcp, buffer + kSsrcInRtcp, index);
        update(context_.get(), nullptr, buffer, kRtcpHeaderBytes);
        update(context_.get(), nullptr, word, kSrtcpIndexBytes);
        update(context_.get(), buffer + kRtcpHeaderBytes, buffer + kRtcpHeaderBytes,
               size - kRtcpHeaderBytes);
        finish_sealing(buffer + size);
    }

    bool open_rtcp(std::uint8_t* buffer, std::size_t size) override {
        std::uint8_t* const word = buffer + size - kSrtcpIndexBytes;
        std::uint8_t* const tag = word - kGcmTagBytes;
        const bool encrypted = (get_u32(word) & kEncryptedFlag) != 0;
        std::uint8_t* const body = encrypted ? buffer + kRtcpHeaderBytes : tag;
        start(SrtpStream::Rtcp, buffer + kSsrcInRtcp, get_u32(word) & ~kEncryptedFlag);
        return update(context_.get(), nullptr, buffer, static_cast<std::size_t>(body - buffer)) &&
               update(context_.get(), nullptr, word, kSrtcpIndexBytes) &&
               update(context_.get(), body, body, static_cast<std::size_t>(tag - body)) &&
               finish_opening(tag);
    }

    [[nodiscard]] std::uint32_t index_word(Bytes packet) const override {
        return get_u32(packet.last(kSrtcpIndexBytes).data());
    }

private:
    /// Sections 8.1 and 9.1: two zero bytes, SSRC and index (48 bits), exclusive-or the salt.
    void start(SrtpStream stream, const std::uint8_t* ssrc, std::uint64_t index) {
        const SrtpSessionKeys& keys = keys_[static_cast<std::size_t>(stream)];
        std::array<std::uint8_t, kGcmIvBytes> iv{};
        std::copy_n(keys.salt.begin(), kGcmSaltBytes, iv.begin());
        for (std::size_t i = 0; i < 4; ++i) iv[2 + i] ^= ssrc[i];
        for (std::size_t i = 0; i < 6; ++i) {
            iv[6 + i] ^= static_cast<std::uint8_t>(index >> (40 - 8 * i));
        }
        const std::uint8_t* const key = stream == keyed_for_ ? nullptr : keys.encryption.data();
        EVP_CipherInit_ex2(context_.get(), nullptr, key, iv.data(), -1, nullptr);
        keyed_for_ = stream;
    }

    void finish_sealing(std::uint8_t* tag) {
        int done = 0;
        EVP_CipherFinal_ex(context_.get(), tag, &done);
        EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, length(kGcmTagBytes), tag);
    }

    bool finish_opening(std::uint8_t* tag) {
        int done = 0;
        std::array<std::uint8_t, kGcmTagBytes> none{};
        return EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, length(kGcmTagBytes),
                                   tag) == 1 &&
               EVP_CipherFinal_ex(context_.get(), none.data(), &done) == 1;
    }

    std::array<SrtpSessionKeys, 2> keys_;
    SrtpStream keyed_for_ = SrtpStream::Rtp;
    CipherContext context_;
};

MacContext make_hmac_sha1(std::span<const std::uint8_t> key) {
    const std::unique_ptr<EVP_MAC, FreeMac> hmac(
        EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
    require(hmac != nullptr);
    MacContext context(EVP_MAC_CTX_new(hmac.get()));
    char digest[] = "SHA1";  // OSSL_PARAM takes no const, but only reads
    const std::array<OSSL_PARAM, 2> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    require(context != nullptr &&
            EVP_MAC_init(context.get(), key.data(), key.size(), parameters.data()) == 1);
    return context;
}

/// RFC 3711: AES in counter mode, and HMAC-SHA1 cut to 80 bits over what was encrypted.
class CmCipher final : public SrtpCipher {
public:
    CmCipher(const SrtpSessionKeys& rtp, const SrtpSessionKeys& rtcp)
        : keys_{rtp, rtcp},
          context_(make_context(EVP_aes_128_ctr(), rtp.encryption.data(), true)),
          mac_(make_hmac_sha1(rtp.authentication)) {}

    [[nodiscard]] std::size_t tag_bytes() const override { return kCmTagBytes; }

    void seal_rtp(std::uint8_t* buffer,
                  std::size_t size,
                  std::size_t header,
                  std::uint64_t index) override {
        key_for(SrtpStream::Rtp);
        crypt({buffer + header, size - header}, buffer + kSsrcInRtp, index);
        const Tag tag = authenticate({buffer, size}, static_cast<std::uint32_t>(index >> 16));
        std::memcpy(buffer + size, tag.data(), kCmTagBytes);
    }

    bool open_rtp(std::uint8_t* buffer,
                  std::size_t size,
                  std::size_t header,
                  std::uint64_t index) override {
        const std::size_t end = size - kCmTagBytes;
        key_for(SrtpStream::Rtp);
        const Tag tag = authenticate({buffer, end}, static_cast<std::uint32_t>(index >> 16));
        if (CRYPTO_memcmp(tag.data(), buffer + end, kCmTagBytes) != 0) return false;
        crypt({buffer + header, end - header}, buffer + kSsrcInRtp, index);
        return true;
    }

    void seal_rtcp(std::uint8_t* buffer, std::size_t size, std::uint32_t index) override {
        key_for(SrtpStream::Rtcp);
        crypt({buffer + kRtcpHeaderBytes, size - kRtcpHeaderBytes}, buffer + kSsrcInRtcp, index);
        put_u32(buffer + size, kEncryptedFlag | index);
        const Tag tag = authenticate({buffer, size + kSrtcpIndexBytes}, std::nullopt);
        std::memcpy(buffer + size + kSrtcpIndexBytes, tag.data(), kCmTagBytes);
    }

    bool open_rtcp(std::uint8_t* buffer, std::size_t size) override {
        const std::size_t authenticated = size - kCmTagBytes;
        key_for(SrtpStream::Rtcp);
        const Tag tag = authenticate({buffer, authenticated}, std::nullopt);
        if (CRYPTO_memcmp(tag.data(), buffer + authenticated, kCmTagBytes) != 0) return false;
        const std::uint32_t word = index_word({buffer, size});
        if ((word & kEncryptedFlag) == 0) return true;
        crypt({buffer + kRtcpHeaderBytes, authenticated - kSrtcpIndexBytes - kRtcpHeaderBytes},
              buffer + kSsrcInRtcp, word & ~kEncryptedFlag);
        return true;
    }

    [[nodiscard]] std::uint32_t index_word(Bytes packet) const override {
        return get_u32(packet.last(kCmTagBytes + kSrtcpIndexBytes).data());
    }

private:
    using Tag = std::array<std::uint8_t, kSha1Bytes>;

    void key_for(SrtpStream stream) {
        if (stream == keyed_for_) return;
        keyed_for_ = stream;
        EVP_CipherInit_ex2(context_.get(), nullptr, keys().encryption.data(), nullptr, -1, nullptr);
        EVP_MAC_init(mac_.get(), keys().authentication.data(), keys().authentication.size(),
                     nullptr);
    }

    [[nodiscard]] const SrtpSessionKeys& keys() const {
        return keys_[static_cast<std::size_t>(keyed_for_)];
    }

    /// Section 4.1.1: salt * 2^16, SSRC * 2^64 and index * 2^16, by exclusive-or.
    void crypt(MutableBytes body, const std::uint8_t* ssrc, std::uint64_t index) {
        std::array<std::uint8_t, kCmIvBytes> iv{};
        std::copy(keys().salt.begin(), keys().salt.end(), iv.begin());
        for (std::size_t i = 0; i < 4; ++i) iv[4 + i] ^= ssrc[i];
        for (std::size_t i = 0; i < 6; ++i) {
            iv[8 + i] ^= static_cast<std::uint8_t>(index >> (40 - 8 * i));
        }
        EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, iv.data(), -1, nullptr);
        update(context_.get(), body.data(), body.data(), body.size());
    }

    /// Section 4.2: RTP's rollover counter is authenticated though it is not sent.
    Tag authenticate(Bytes packet, std::optional<std::uint32_t> rollover) {
        Tag tag{};
        std::size_t size = 0;
        EVP_MAC_init(mac_.get(), nullptr, 0, nullptr);
        EVP_MAC_update(mac_.get(), packet.data(), packet.size());
        if (rollover) {
            std::array<std::uint8_t, 4> counter{};
            put_u32(counter.data(), *rollover);
            EVP_MAC_update(mac_.get(), counter.data(), counter.size());
        }
        EVP_MAC_final(mac_.get(), tag.data(), &size, tag.size());
        return tag;
    }

    std::array<SrtpSessionKeys, 2> keys_;
    SrtpStream keyed_for_ = SrtpStream::Rtp;
    CipherContext context_;
    MacContext mac_;
};

}  // namespace

SrtpSessionKeys derive_session_keys(SrtpProfile profile,
                                    const SrtpMasterKey& master,
                                    SrtpStream stream) {
    // A salt of 12 bytes counts as one of 14 that ends in zeros (RFC 7714 section 11).
    const std::size_t salt_bytes =
        profile == SrtpProfile::AeadAes128Gcm ? kGcmSaltBytes : master.salt.size();
    const CipherContext context = make_context(EVP_aes_128_ctr(), master.key.data(), true);
    const auto derive = [&](std::uint8_t label, std::span<std::uint8_t> out) {
        constexpr std::size_t kLabelPosition = 7;  // the label stands 48 bits from the end of 112
        std::array<std::uint8_t, kCmIvBytes> iv{};
        std::copy_n(master.salt.begin(), salt_bytes, iv.begin());
        iv[kLabelPosition] ^= label;
        std::fill(out.begin(), out.end(), std::uint8_t{0});
        require(EVP_CipherInit_ex2(context.get(), nullptr, nullptr, iv.data(), -1, nullptr) == 1 &&
                update(context.get(), out.data(), out.data(), out.size()));
    };
    const std::uint8_t first_label = stream == SrtpStream::Rtp ? 0 : 3;  // RFC 3711 section 4.3.2
    SrtpSessionKeys keys;
    derive(first_label, keys.encryption);
    derive(static_cast<std::uint8_t>(first_label + 1), keys.authentication);
    derive(static_cast<std::uint8_t>(first_label + 2), std::span(keys.salt).first(salt_bytes));
    return keys;
}

std::unique_ptr<SrtpCipher> make_srtp_cipher(SrtpProfile profile,
                                             SrtpDirection direction,
                                             const SrtpSessionKeys& rtp,
                                             const SrtpSessionKeys& rtcp) {
    if (profile == SrtpProfile::AesCm128HmacSha1_80) return std::make_unique<CmCipher>(rtp, rtcp);
    return std::make_unique<GcmCipher>(direction, rtp, rtcp);
}

}  // namespace hushcast::rtc
