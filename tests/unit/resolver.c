/* See resolver.h. libcurl asks on threads of its own. The real getaddrinfo() only ever gets an address, with
 * the flag that forbids it to ask. */
#include "resolver.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int unknown, waiting;
static bool held;

int resolver_unknown(void)
{
    pthread_mutex_lock(&mutex);
    int count = unknown;
    pthread_mutex_unlock(&mutex);
    return count;
}

void resolver_hold(void)
{
    pthread_mutex_lock(&mutex);
    held = true;
    pthread_mutex_unlock(&mutex);
}

void resolver_release(void)
{
    pthread_mutex_lock(&mutex);
    held = false;
    pthread_cond_broadcast(&changed);
    while (waiting > 0)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

void resolver_await(void)
{
    pthread_mutex_lock(&mutex);
    while (waiting == 0)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static int refuse(void)
{
    pthread_mutex_lock(&mutex);
    unknown++;
    waiting++;
    pthread_cond_broadcast(&changed);
    while (held)
        pthread_cond_wait(&changed, &mutex);
    waiting--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return EAI_NONAME;
}

static bool is_address(const char *node)
{
    struct in6_addr address;
    return inet_pton(AF_INET, node, &address) == 1 || inet_pton(AF_INET6, node, &address) == 1;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    struct addrinfo numeric = hints ? *hints : (struct addrinfo){0};
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && strcmp(node, "localhost") == 0)
        node = "127.0.0.1";
    if (node && !is_address(node))
        return refuse();
    numeric.ai_flags |= AI_NUMERICHOST;
    return real(node, service, &numeric, result);
}
