"""Small trees, each with one thing wrong (or just not wrong): what proves that a rule can fail.

(rule, what the tree shows, files, number of findings expected)
"""
OPEN = "TO" + "DO"
HOME = "/" + "home/someone/tlscached"

CASES = [
    ("includes", "wire knows nothing of the store",
     {"client_lib/wire/a.cpp": '#include "cache_server/store/store.hpp"\n'}, 1),
    ("includes", "wire may include itself", {"client_lib/wire/a.cpp": '#include "client_lib/wire/b.hpp"\n'}, 0),
    ("includes", "session does not know the transport",
     {"client_lib/session/a.cpp": '#include "client_lib/transport/transport.hpp"\n'}, 1),
    ("includes", "the transport sees keys, not the sealer",
     {"client_lib/transport/a.cpp": '#include "client_lib/session/types.hpp"\n'
                                    '#include "client_lib/session/sealer.hpp"\n'}, 1),
    ("includes", "the store does not know who commands it",
     {"cache_server/store/a.hpp": '#include "cache_server/command/executor.hpp"\n'}, 1),
    ("includes", "only the rim sees the registry",
     {"cache_server/net/a.cpp": '#include "plugins/registry.hpp"\n',
      "cache_server/main.cpp": '#include "plugins/registry.hpp"\n'}, 1),
    ("includes", "the daemon does not include the library's handshake side",
     {"cache_server/main.cpp": '#include "client_lib/tls/cache.hpp"\n'}, 1),
    ("includes", "a policy sees the policy interface, not the shard",
     {"plugins/eviction/lru.cpp": '#include "cache_server/store/eviction_policy.hpp"\n'
                                  '#include "cache_server/store/shard.hpp"\n'}, 1),
    ("includes", "examples use the public headers only",
     {"client_lib/examples/a.cpp": '#include "client_lib/tls/hooks.hpp"\n#include "tlscache/cache.hpp"\n'}, 1),
    ("includes", "the sender of ssl.h is the tls folder alone",
     {"client_lib/session/a.cpp": "#include <openssl/ssl.h>\n",
      "client_lib/tls/a.cpp": "#include <openssl/ssl.h>\n",
      "client_lib/transport/tls_stream.cpp": "#include <openssl/ssl.h>\n",
      "client_lib/transport/connection.cpp": "#include <openssl/ssl.h>\n"}, 2),
    ("includes", "wire and store do without libcrypto",
     {"client_lib/wire/a.cpp": "#include <openssl/sha.h>\n",
      "cache_server/store/a.cpp": "#include <openssl/rand.h>\n",
      "client_lib/session/a.cpp": "#include <openssl/evp.h>\n"}, 2),
    ("includes", "commands and store do without Asio",
     {"cache_server/command/a.cpp": "#include <boost/asio.hpp>\n",
      "cache_server/store/a.hpp": "#include <boost/asio/steady_timer.hpp>\n",
      "cache_server/net/a.cpp": "#include <boost/asio/ip/tcp.hpp>\n"}, 2),
    ("includes", "hiredis is in one folder",
     {"cache_server/service/a.cpp": "#include <hiredis/hiredis.h>\n",
      "plugins/backing_store/redis/a.cpp": "#include <hiredis/hiredis.h>\n"}, 1),
    ("includes", "public headers need the standard library only, asio.hpp excepted",
     {"client_lib/include/tlscache/cache.hpp": "#include <string>\n#include <boost/system/result.hpp>\n"
                                               "#include <fmt/format.h>\n",
      "client_lib/include/tlscache/asio.hpp": "#include <boost/asio/ssl.hpp>\n"}, 2),
    ("includes", "a folder that the table does not know is refused",
     {"client_lib/novel/a.hpp": '#include "client_lib/wire/bytes.hpp"\n',
      "cache_server/novel/a.hpp": '#include "client_lib/wire/bytes.hpp"\n'}, 2),

    ("file_length", "501 lines are too many", {"client_lib/wire/a.cpp": "\n" * 501}, 1),
    ("file_length", "500 lines are not", {"client_lib/wire/a.cpp": "\n" * 500}, 0),

    ("no_sleep", "C++ tests", {"tests/unit/a.cpp": "std::this_thread::sleep_for(1ms);\n::usleep(5);\n"}, 2),
    ("no_sleep", "Python tests", {"tests/e2e/a.py": "time.sleep(1)\nselect.select([], [], [], 1)\n"}, 2),
    ("no_sleep", "shell tests", {"tests/e2e/run.sh": "sleep 1\nwhile :; do sleep 0.1; done\n"}, 2),
    ("no_sleep", "the word alone is no sleep",
     {"tests/unit/a.cpp": "// none sleeps here\n", "tests/e2e/run.sh": "# sleep 1 is not allowed\n"}, 0),
    ("no_sleep", "outside tests it is another matter", {"bench/load/a.cpp": "nanosleep(&t, nullptr);\n"}, 0),

    ("readme", "a folder without README.md", {"README.md": "", "bench/load/a.hpp": ""}, 1),
    ("readme", "data and dot folders are exempt",
     {"README.md": "", ".ci/run": "", "tests/fuzz/corpus/request/1": "", "tests/golden/lru": ""}, 0),

    ("readme_lines", "a file that its README does not name",
     {"bench/load/README.md": "| `a` | x |", "bench/load/a.hpp": "", "bench/load/a_b.hpp": ""}, 1),
    ("readme_lines", "a line for a file that is gone, and one for a pair that is gone",
     {"bench/load/README.md": "| `a.*`, `b.hpp` | x |\n| `c.*` | y |", "bench/load/a.hpp": ""}, 2),
    ("readme_lines", "named with, without and with any extension, or by the README above",
     {"bench/README.md": "`load/d.c`", "bench/load/README.md": "| `a.hpp`, `b`, `c.*` | x |",
      "bench/load/a.hpp": "", "bench/load/b.hpp": "", "bench/load/c.cpp": "", "bench/load/d.c": ""}, 0),

    ("open_ends", "a note to oneself", {"client_lib/wire/a.cpp": f"// {OPEN}: later\n"}, 1),
    ("open_ends", "a word that contains it", {"client_lib/wire/a.cpp": f"int {OPEN}S;\n"}, 0),

    ("machine_paths", "somebody's home", {"tests/e2e/run.sh": f"cd {HOME}\n"}, 1),
    ("machine_paths", "the same below another folder", {"tests/e2e/run.sh": f"cd $top{HOME}\n"}, 0),

    ("top_level", "a folder that is not of the fixed ones", {"docs/a.md": "", "README.md": ""}, 1),
    ("top_level", "a stray file", {"notes.txt": "", ".gitignore": ""}, 1),

    ("listed_sources", "a source that no CMakeLists.txt names",
     {"client_lib/wire/CMakeLists.txt": "tlscache_library(tlscache_wire SOURCES a.cpp)\n",
      "client_lib/wire/a.cpp": "", "client_lib/wire/b.cpp": ""}, 1),
    ("listed_sources", "a longer name does not stand for a shorter one",
     {"client_lib/wire/CMakeLists.txt": "tlscache_library(tlscache_wire SOURCES request_parser.cpp)\n",
      "client_lib/wire/request_parser.cpp": "", "client_lib/wire/parser.cpp": ""}, 1),
    ("listed_sources", "named from the folder above",
     {"tests/unit/CMakeLists.txt": "tlscache_test(a SOURCES wire/a_test.cpp)\n",
      "tests/unit/wire/a_test.cpp": ""}, 0),
    ("listed_sources", "named elsewhere by its path in the tree",
     {"tests/unit/CMakeLists.txt": "add(${CMAKE_SOURCE_DIR}/tests/support/main.cpp)\n",
      "tests/support/main.cpp": ""}, 0),
    ("listed_sources", "named elsewhere by its bare name is another file",
     {"tests/unit/CMakeLists.txt": "add(main.cpp)\n", "tests/support/main.cpp": ""}, 1),
    ("listed_sources", "a glob", {"bench/CMakeLists.txt": "file(GLOB sources *.cpp)\n"}, 1),
]
