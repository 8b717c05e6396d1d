/* Asks a server at 127.0.0.1:PORT through libmemcached: one line per check, "ok NAME" or
 * "failed NAME". Blocking and buffered, both by the text protocol. */

#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void check(int good, const char* how, const char* name) {
    printf("%s %s: %s\n", good ? "ok" : "failed", how, name);
    failures += !good;
}

static int holds(memcached_st* client, const char* key, const char* expected, uint32_t flags) {
    size_t size = 0;
    uint32_t told = 0;
    memcached_return_t status;
    char* value = memcached_get(client, key, strlen(key), &size, &told, &status);
    const int good = value != NULL && size == strlen(expected) &&
                     memcmp(value, expected, size) == 0 && told == flags;
    free(value);
    return good;
}

static memcached_return_t store(memcached_st* client, const char* key, const char* value) {
    return memcached_set(client, key, strlen(key), value, strlen(value), 100, 7);
}

static void check_many(memcached_st* client, const char* how) {
    enum { count = 300 };
    char names[count][16];
    const char* keys[count];
    size_t sizes[count];
    for (int i = 0; i < count; ++i) {
        sizes[i] = (size_t)snprintf(names[i], sizeof names[i], "many%d", i);
        keys[i] = names[i];
        store(client, names[i], names[i]);
    }
    int found = 0;
    if (memcached_mget(client, keys, sizes, count) == MEMCACHED_SUCCESS) {
        memcached_return_t status;
        memcached_result_st* result;
        while ((result = memcached_fetch_result(client, NULL, &status)) != NULL) {
            found += memcached_result_length(result) == memcached_result_key_length(result) &&
                     memcmp(memcached_result_value(result), memcached_result_key_value(result),
                            memcached_result_length(result)) == 0;
            memcached_result_free(result);
        }
    }
    check(found == count, how, "mget of 300 keys");
}

static void check_cas(memcached_st* client, const char* how) {
    const char* key = "swap";
    size_t size = strlen(key);
    store(client, key, "one");
    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
    uint64_t cas = 0;
    memcached_return_t status;
    if (memcached_mget(client, &key, &size, 1) == MEMCACHED_SUCCESS) {
        memcached_result_st* result = memcached_fetch_result(client, NULL, &status);
        if (result != NULL) {
            cas = memcached_result_cas(result);
            memcached_result_free(result);
        }
        while (memcached_fetch_result(client, NULL, &status) != NULL) {
        }
    }
    check(cas != 0, how, "gets tells a CAS");
    check(memcached_cas(client, key, size, "two", 3, 0, 7, cas) == MEMCACHED_SUCCESS, how, "cas");
    check(memcached_cas(client, key, size, "no", 2, 0, 7, cas) == MEMCACHED_DATA_EXISTS, how,
          "cas with an old value");
    check(holds(client, key, "two", 7), how, "cas stored once");
}

static void check_client(unsigned short port, int buffered, const char* how) {
    memcached_st* client = memcached_create(NULL);
    memcached_server_add(client, "127.0.0.1", port);
    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, 0);
    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_NO_BLOCK, (uint64_t)buffered);
    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, (uint64_t)buffered);
    check(memcached_version(client) == MEMCACHED_SUCCESS, how, "version is of a shape it takes");
    const memcached_return_t stored = store(client, "a", "hello");
    check(stored == (buffered ? MEMCACHED_BUFFERED : MEMCACHED_SUCCESS), how, "set");
    check(holds(client, "a", "hello", 7), how, "get");
    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, 0);
    check(memcached_add(client, "a", 1, "x", 1, 0, 0) == MEMCACHED_NOTSTORED, how, "add");
    check(memcached_replace(client, "a", 1, "y", 1, 0, 3) == MEMCACHED_SUCCESS, how, "replace");
    check(memcached_append(client, "a", 1, "z", 1, 0, 0) == MEMCACHED_SUCCESS, how, "append");
    check(memcached_prepend(client, "a", 1, "x", 1, 0, 0) == MEMCACHED_SUCCESS, how, "prepend");
    check(holds(client, "a", "xyz", 3), how, "get behind append and prepend");
    check(memcached_exist(client, "a", 1) == MEMCACHED_SUCCESS, how, "exist");
    check(memcached_touch(client, "a", 1, 100) == MEMCACHED_SUCCESS, how, "touch");
    store(client, "n", "41");
    uint64_t number = 0;
    check(memcached_increment(client, "n", 1, 1, &number) == MEMCACHED_SUCCESS && number == 42, how,
          "increment");
    check(memcached_decrement(client, "n", 1, 50, &number) == MEMCACHED_SUCCESS && number == 0, how,
          "decrement");
    check(memcached_delete(client, "a", 1, 0) == MEMCACHED_SUCCESS, how, "delete");
    check(memcached_delete(client, "a", 1, 0) == MEMCACHED_NOTFOUND, how, "delete of nothing");
    check_many(client, how);
    check_cas(client, how);
    memcached_return_t status;
    memcached_stat_st* statistics = memcached_stat(client, NULL, &status);
    check(statistics != NULL && statistics[0].curr_items > 0, how, "stat");
    memcached_stat_free(client, statistics);
    check(memcached_flush(client, 0) == MEMCACHED_SUCCESS, how, "flush");
    check(!holds(client, "n", "0 ", 7), how, "nothing is left behind flush");
    memcached_quit(client);
    memcached_free(client);
}

int main(int argc, char** argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    const unsigned short port = (unsigned short)atoi(argv[1]);
    check_client(port, 0, "blocking");
    check_client(port, 1, "buffered");
    return failures == 0 ? 0 : 1;
}
