/* SPDX-License-Identifier: BSD-3-Clause */
#include "etcd/http.h"

#include "etcd/answer.h"
#include "web/curl.h"
#include <stdio.h>
#include <stdlib.h>

#define URL_BYTES (CM_CLUSTER_HOST_BYTES + 64)
/* How long curl may wait before it looks whether it is to stop, should a wake-up be lost. */
#define POLL_MS 1000
/* A line of a watch that is longer tells of a change in any case. */
#define LINE_BYTES_MAX ((size_t)64 << 10)

struct cm_http {
    struct cm_http_options options;
    struct cm_curl curl;
    CURLM *multi;
    CURL *easy;
    const struct cm_http_request *request; /* under way */
    struct cm_buf answer;
    enum cm_status status; /* why the answer was not received to its end */
    char reason[CURL_ERROR_SIZE];
};

/* ---- receiving ---- */

static enum cm_status take_lines(struct cm_http *http) {
    enum cm_status status = CM_OK;
    while (status == CM_OK) {
        const struct cm_slice text = cm_buf_slice(&http->answer);
        const char *end = text.len == 0 ? NULL : memchr(text.data, '\n', text.len);
        if (end == NULL)
            return text.len > LINE_BYTES_MAX ? CM_CANCELLED : CM_OK;
        const size_t bytes = (size_t)(end - text.data);
        if (bytes > 0)
            status = http->request->on_line(cm_slice(text.data, bytes));
        cm_buf_consume(&http->answer, bytes + 1);
    }
    return status;
}

static size_t on_data(char *data, size_t size, size_t count, void *context) {
    struct cm_http *http = context;
    long code = 0;
    (void)http->curl.easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &code);
    if (cm_buf_len(&http->answer) + size * count > CM_ETCD_ANSWER_BYTES_MAX)
        http->status = CM_BAD_ANSWER;
    else
        http->status = cm_buf_append(&http->answer, cm_slice(data, size * count));
    if (http->status == CM_OK && http->request->on_line != NULL && code == 200)
        http->status = take_lines(http);
    return http->status == CM_OK ? size * count : 0;
}

/* ---- life ---- */

static void set_tls(struct cm_http *http) {
    const struct cm_http_options *options = &http->options;
    const struct cm_curl *curl = &http->curl;
    if (options->ca_file[0] != '\0')
        (void)curl->easy_setopt(http->easy, CURLOPT_CAINFO, options->ca_file);
    if (options->cert_file[0] != '\0') {
        (void)curl->easy_setopt(http->easy, CURLOPT_SSLCERT, options->cert_file);
        (void)curl->easy_setopt(http->easy, CURLOPT_SSLKEY,
                                options->key_file[0] != '\0' ? options->key_file
                                                             : options->cert_file);
    }
}

/* What all requests have in common. The environment's proxies are for other places than the
 * cluster's own. */
static void set_up(struct cm_http *http) {
    const struct cm_curl *curl = &http->curl;
    CURL *easy = http->easy;
    (void)curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                            http->options.is_secure ? "https" : "http");
    (void)curl->easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    (void)curl->easy_setopt(easy, CURLOPT_USERAGENT, "cacheman");
    (void)curl->easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl->easy_setopt(easy, CURLOPT_WRITEDATA, http);
    (void)curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, http->reason);
    (void)curl->multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 2L);
    set_tls(http);
}

enum cm_status cm_http_create(const struct cm_http_options *options, const struct cm_curl *curl,
                              struct cm_http **out) {
    struct cm_http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return CM_NO_MEMORY;
    http->curl = *curl;
    if (curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) { /* counted, and safe with threads */
        free(http);
        return CM_SYSTEM;
    }
    http->options = *options;
    http->multi = http->curl.multi_init();
    http->easy = http->curl.easy_init();
    if (http->multi == NULL || http->easy == NULL) {
        cm_http_destroy(http);
        return CM_NO_MEMORY;
    }
    set_up(http);
    *out = http;
    return CM_OK;
}

void cm_http_destroy(struct cm_http *http) {
    if (http == NULL)
        return;
    http->curl.easy_cleanup(http->easy);
    (void)http->curl.multi_cleanup(http->multi);
    http->curl.global_cleanup();
    cm_buf_deinit(&http->answer);
    free(http);
}

void cm_http_wake(struct cm_http *http) {
    (void)http->curl.multi_wakeup(http->multi);
}

void cm_http_wait(struct cm_http *http, uint32_t timeout_ms) {
    (void)http->curl.multi_poll(http->multi, NULL, 0, (int)timeout_ms, NULL);
}

const char *cm_http_reason(const struct cm_http *http) {
    return http->reason;
}

/* ---- requests ---- */

static struct curl_slist *make_headers(const struct cm_curl *curl, const char *token) {
    char line[CM_ETCD_TOKEN_BYTES + 32];
    struct curl_slist *headers = curl->slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *all = headers == NULL ? NULL : curl->slist_append(headers, "Expect:");
    if (all != NULL && token != NULL) {
        snprintf(line, sizeof line, "Authorization: %s", token);
        all = curl->slist_append(headers, line);
    }
    if (all == NULL)
        curl->slist_free_all(headers);
    return all;
}

static void set_request(struct cm_http *http, const struct cm_http_request *what) {
    char url[URL_BYTES];
    snprintf(url, sizeof url, "%s://%s%s", http->options.is_secure ? "https" : "http",
             what->endpoint->name, what->path);
    (void)http->curl.easy_setopt(http->easy, CURLOPT_URL, url);
    (void)http->curl.easy_setopt(http->easy, CURLOPT_POSTFIELDS, what->body.data);
    (void)http->curl.easy_setopt(http->easy, CURLOPT_POSTFIELDSIZE, (long)what->body.len);
    (void)http->curl.easy_setopt(http->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)what->connect_ms);
    (void)http->curl.easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, (long)what->timeout_ms);
    cm_buf_clear(&http->answer);
    http->reason[0] = '\0';
    http->status = CM_OK;
    http->request = what;
}

/* Carries the one request that was added. False: it was told to stop before the end. */
static bool carry(struct cm_http *http) {
    int running = 1;
    while (http->curl.multi_perform(http->multi, &running) == CURLM_OK && running > 0) {
        if (atomic_load(http->options.stop))
            return false;
        (void)http->curl.multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
    }
    return running == 0;
}

static CURLcode result_of(struct cm_http *http) {
    int left;
    const CURLMsg *message = http->curl.multi_info_read(http->multi, &left);
    return message != NULL && message->msg == CURLMSG_DONE ? message->data.result
                                                           : CURLE_FAILED_INIT;
}

static enum cm_status judge(struct cm_http *http, CURLcode result) {
    long code = 0;
    if (http->status != CM_OK) {
        snprintf(http->reason, sizeof http->reason, "%s",
                 http->status == CM_BAD_ANSWER ? "an answer that makes no sense"
                                               : cm_status_text(http->status));
        return http->status;
    }
    if (result != CURLE_OK) {
        const char *why = cm_curl_reason(&http->curl, http->easy, result, http->reason);
        if (why != http->reason)
            snprintf(http->reason, sizeof http->reason, "%s", why);
        return result == CURLE_OPERATION_TIMEDOUT ? CM_TIMEOUT
               : result == CURLE_OUT_OF_MEMORY    ? CM_NO_MEMORY
                                                  : CM_UNREACHABLE;
    }
    (void)http->curl.easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &code);
    if (code == 200)
        return CM_OK;
    cm_etcd_read_error(cm_buf_slice(&http->answer), http->reason, sizeof http->reason);
    return code == 401 ? CM_NOT_AUTHENTICATED : CM_REFUSED;
}

enum cm_status cm_http_post(struct cm_http *http, const struct cm_http_request *what,
                            struct cm_slice *answer) {
    struct curl_slist *headers = make_headers(&http->curl, what->token);
    if (headers == NULL)
        return CM_NO_MEMORY;
    set_request(http, what);
    (void)http->curl.easy_setopt(http->easy, CURLOPT_HTTPHEADER, headers);
    enum cm_status status = CM_NO_MEMORY;
    if (http->curl.multi_add_handle(http->multi, http->easy) == CURLM_OK) {
        status = carry(http) ? judge(http, result_of(http)) : CM_CANCELLED;
        (void)http->curl.multi_remove_handle(http->multi, http->easy);
    }
    (void)http->curl.easy_setopt(http->easy, CURLOPT_HTTPHEADER, NULL);
    http->curl.slist_free_all(headers);
    http->request = NULL;
    *answer = cm_buf_slice(&http->answer);
    return status;
}
