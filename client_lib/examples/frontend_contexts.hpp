#pragma once

// The SSL_CTXs of a frontend: a default one and one per virtual host, which the servername
// callback chooses, as most servers do.

#include <boost/asio/ssl/context.hpp>
#include <map>
#include <memory>
#include <string>

namespace frontend {

struct host {
    std::string certificate, key;
    std::string client_ca;  // clients must show a certificate of it, unless empty
};

class contexts {
  public:
    // Throws std::runtime_error if a file can't be used.
    contexts(const host& standard, const std::map<std::string, host>& vhosts);

    // Connections begin with this one.
    boost::asio::ssl::context& listening() { return *standard_; }

    // The context that serves NAME ("" for none).
    SSL_CTX* serving(const std::string& name);

  private:
    std::unique_ptr<boost::asio::ssl::context> standard_;
    std::map<std::string, std::unique_ptr<boost::asio::ssl::context>> vhosts_;
};

}  // namespace frontend
