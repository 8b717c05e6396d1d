// The ex_data is freed by SSL_free, at any point of a handshake: that abandons the lookup.

#include "client_lib/tls/connection.hpp"

namespace tlscache::tls {

namespace {

void free_connection(void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<connection*>(kept);
}

// SSL_dup makes a connection of its own.
int drop_duplicate(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** kept, int, long, void*) {
    *kept = nullptr;
    return 1;
}

int ex_data_index() {
    static const int index =
        SSL_get_ex_new_index(0, nullptr, nullptr, drop_duplicate, free_connection);
    return index;
}

}  // namespace

connection* connection::of(const SSL* ssl) noexcept {
    return static_cast<connection*>(SSL_get_ex_data(ssl, ex_data_index()));
}

connection* connection::make(SSL* ssl, std::shared_ptr<attachment::impl> owner) {
    auto made = std::make_unique<connection>(std::move(owner));
    if (SSL_set_ex_data(ssl, ex_data_index(), made.get()) != 1) {
        return nullptr;
    }
    return made.release();
}

bool connection::continues(const client_hello& next) const {
    return began && !finished && hello.random == next.random && hello.sni == next.sni &&
           hello.sni_usable == next.sni_usable;
}

void connection::begin_handshake(client_hello&& fresh) {
    abandon();
    pending.reset();
    began = true;
    finished = false;
    renegotiation = false;
    hello = std::move(fresh);
    asked.clear();
    found.reset();
    handed_over = false;
    judged = false;
    resumed.reset();
    chain_age = 0;
}

void connection::abandon() {
    if (pending && pending->abandon()) {
        handle.cancel();
        core().add(counter::abandoned);
    }
}

}  // namespace tlscache::tls
