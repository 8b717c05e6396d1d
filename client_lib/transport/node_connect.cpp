#include "client_lib/transport/node.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

// How a node's connection is made, watched and lost; node.cpp has the picture.

namespace tlscache::transport {

void node::on_timer(steady_time now, node_answers& answers) {
    while (connection_.deadline_missed(now)) {
        breaker_.on_deadline(now);
        note_opened();
    }
    if (phase_ == phase::waiting && now >= retry_at_) {
        start_round(now, answers);
    } else if (phase_ == phase::connecting && now >= connect_until_) {
        ++context_.count.connects_failed;
        connect_next(now, answers);
    } else if (phase_ == phase::connected) {
        const steady_time oldest = connection_.oldest_sent();
        if (oldest != steady_time::max() && now >= oldest + reply_overdue) {
            lose(unavailable_reason::connection_lost, now, answers);
        } else if (connection_.ready() && now >= probe_at_) {
            probe_at_ = steady_time::max();
            connection_.probe(now);
            flush(now, answers);
        }
    }
}

steady_time node::next_event() noexcept {
    switch (phase_) {
        case phase::waiting:
            return retry_at_;
        case phase::resolving:
            return steady_time::max();
        case phase::connecting:
            return connect_until_;
        case phase::connected:
            break;
    }
    const steady_time oldest = connection_.oldest_sent();
    const steady_time overdue = oldest == steady_time::max() ? oldest : oldest + reply_overdue;
    return std::min({overdue, probe_at_, connection_.next_deadline()});
}

void node::on_resolved(std::vector<endpoint>&& found, steady_time now, node_answers& answers) {
    resolving_ = false;
    if (!found.empty()) {
        endpoints_ = std::move(found);
        next_endpoint_ = std::min(next_endpoint_, endpoints_.size());
    }
    if (phase_ == phase::resolving) {
        next_endpoint_ = 0;
        connect_next(now, answers);
    }
}

void node::start_round(steady_time now, node_answers& answers) {
    next_endpoint_ = 0;
    if (named_ && !resolving_) {
        resolving_ = context_.names.ask(serial_, place_.where);
    }
    if (endpoints_.empty() && resolving_) {
        phase_ = phase::resolving;
        return;
    }
    connect_next(now, answers);
}

void node::connect_next(steady_time now, node_answers& answers) {
    close_socket(unavailable_reason::connection_lost, answers);
    while (next_endpoint_ < endpoints_.size()) {
        if (connect_to(endpoints_[next_endpoint_++], now)) {
            if (phase_ == phase::connected) {
                on_connected(now, answers);
            }
            return;
        }
        ++context_.count.connects_failed;
    }
    lose(unavailable_reason::connection_lost, now, answers);
}

bool node::connect_to(const endpoint& where, steady_time now) {
    const int fd = ::socket(where.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    if (!context_.owned.add(fd)) {
        ::close(fd);
        return false;
    }
    if (where.family() != AF_UNIX) {
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    const int error =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&where.storage), where.size) == 0 ? 0
                                                                                          : errno;
    epoll_event interest{};
    interest.events = error == 0 ? EPOLLIN : EPOLLIN | EPOLLOUT;
    interest.data.u64 = serial_;
    if ((error != 0 && error != EINPROGRESS) ||
        ::epoll_ctl(context_.epoll, EPOLL_CTL_ADD, fd, &interest) != 0) {
        context_.owned.close(fd);
        return false;
    }
    fd_ = fd;
    wants_writing_ = error != 0;
    phase_ = error == 0 ? phase::connected : phase::connecting;
    connect_until_ = now + connect_timeout;
    return true;
}

void node::finish_connect(steady_time now, node_answers& answers) {
    int error = 0;
    socklen_t size = sizeof(error);
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof(peer);
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        ++context_.count.connects_failed;
        connect_next(now, answers);
    } else if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0) {
        phase_ = phase::connected;
        on_connected(now, answers);
    }  // else: an event of an earlier socket; this one is still under way
}

void node::on_connected(steady_time now, node_answers& answers) {
    connection_.begin(now);
    probe_at_ = steady_time::max();
    flush(now, answers);
}

void node::want_writing(bool wanted) {
    if (wanted == wants_writing_) {
        return;
    }
    wants_writing_ = wanted;
    epoll_event interest{};
    interest.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
    interest.data.u64 = serial_;
    ::epoll_ctl(context_.epoll, EPOLL_CTL_MOD, fd_, &interest);
}

void node::lose(unavailable_reason reason, steady_time now, node_answers& answers) {
    close_socket(reason, answers);
    breaker_.on_hard_error();
    note_opened();
    phase_ = phase::waiting;
    retry_at_ = backoff_.failed(now, context_.random.next());
}

void node::close_socket(unavailable_reason reason, node_answers& answers) {
    if (fd_ >= 0) {
        context_.owned.close(fd_);
        fd_ = -1;
    }
    while (const auto lost = connection_.take_lost()) {
        if (lost->what == node_connection::purpose::lookup && !lost->overdue) {
            node_answer out;
            out.id = lost->id;
            out.result.reason = reason;
            answers.push_back(std::move(out));
        } else if (lost->what == node_connection::purpose::store ||
                   lost->what == node_connection::purpose::erase) {
            count_dropped(lost->what == node_connection::purpose::erase);
        }
    }
    connection_.forget();
    probe_at_ = steady_time::max();
}

void node::retire(node_answers& answers) {
    close_socket(unavailable_reason::connection_lost, answers);
    while (!stores_.empty()) {
        count_dropped(stores_.pop().erase);
    }
}

void node::note_opened() noexcept {
    context_.count.breaker_opened += breaker_.times_opened() - opened_told_;
    opened_told_ = breaker_.times_opened();
    if (breaker_.state() == breaker::circuit::open && connection_.ready() &&
        probe_at_ == steady_time::max()) {
        probe_at_ = steady_time{};
    }
}

}  // namespace tlscache::transport
