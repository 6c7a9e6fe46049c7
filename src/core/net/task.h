// Task<T>: the return type of coroutines that run on a server's or client's io thread.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace lathe::net {

template <typename T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace lathe::net
