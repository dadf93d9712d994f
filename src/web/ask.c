/* SPDX-License-Identifier: BSD-3-Clause */
#include "web/ask.h"

#include "web/curl.h"
#include <stdio.h>
#include <string.h>

struct asking {
    struct cm_curl curl;
    CURL *easy;
    struct curl_slist *headers;
    bool is_secure;
    struct cm_buf body;
    enum cm_status status; /* why the answer was not received to its end */
    char reason[CURL_ERROR_SIZE];
};

static size_t on_data(char *data, size_t size, size_t count, void *context) {
    struct asking *asking = context;
    if (cm_buf_len(&asking->body) + size * count > CM_WEB_ANSWER_BYTES_MAX)
        asking->status = CM_BAD_ANSWER;
    else
        asking->status = cm_buf_append(&asking->body, cm_slice(data, size * count));
    return asking->status == CM_OK ? size * count : 0;
}

static bool add_header(struct asking *asking, const char *line) {
    struct curl_slist *all = asking->curl.slist_append(asking->headers, line);
    if (all != NULL)
        asking->headers = all;
    return all != NULL;
}

static bool add_headers(struct asking *asking, const char *token) {
    char line[CM_WEB_TOKEN_BYTES + 32];
    bool added = add_header(asking, "Accept: application/json") && add_header(asking, "Expect:") &&
                 add_header(asking, "Content-Type: text/plain; charset=utf-8");
    if (added && token != NULL) {
        snprintf(line, sizeof line, "Authorization: Bearer %s", token);
        added = add_header(asking, line);
    }
    return added;
}

static void set_file(struct asking *asking, CURLoption option, const char *path) {
    if (path != NULL)
        (void)asking->curl.easy_setopt(asking->easy, option, path);
}

/* The environment's proxies are for other places than one's own servers. */
static void set_up(struct asking *asking, const struct cm_web_request *request) {
    const struct cm_curl *curl = &asking->curl;
    CURL *easy = asking->easy;
    (void)curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl->easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl->easy_setopt(easy, CURLOPT_USERAGENT, "cacheman");
    (void)curl->easy_setopt(easy, CURLOPT_URL, request->url);
    (void)curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    (void)curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl->easy_setopt(easy, CURLOPT_WRITEDATA, asking);
    (void)curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, asking->reason);
    (void)curl->easy_setopt(easy, CURLOPT_HTTPHEADER, asking->headers);
    if (strcmp(request->method, "POST") == 0) {
        (void)curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
        (void)curl->easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data);
    } else {
        (void)curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    set_file(asking, CURLOPT_CAINFO, request->ca_file);
    set_file(asking, CURLOPT_SSLCERT, request->cert_file);
    set_file(asking, CURLOPT_SSLKEY,
             request->key_file != NULL ? request->key_file : request->cert_file);
}

/* What OpenSSL says of bytes that are no TLS, or if there is an end instead of any. */
static bool is_no_tls(const char *reason) {
    static const char *const words[] = {"wrong version number", "packet length too long",
                                        "SSL_ERROR_SYSCALL", "unexpected eof",
                                        "Connection reset by peer"};
    size_t i = 0;
    while (i < sizeof words / sizeof words[0] && strstr(reason, words[i]) == NULL)
        i++;
    return i < sizeof words / sizeof words[0];
}

/* NULL: as far as is known, nothing. By TLS a connection that breaks after the handshake may be how a
 * certificate is refused. */
static const char *find_lack(const struct asking *asking, CURLcode result) {
    switch (result) {
    case CURLE_GOT_NOTHING:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return "HTTP";
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return asking->is_secure ? NULL : "HTTP";
    case CURLE_SSL_CONNECT_ERROR:
        return is_no_tls(asking->reason) ? "TLS" : NULL;
    default:
        return NULL;
    }
}

static enum cm_status status_of(CURLcode result) {
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return CM_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return CM_NO_MEMORY;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return CM_INVALID;
    default:
        return CM_UNREACHABLE;
    }
}

static enum cm_status perform(struct asking *asking, struct cm_web_answer *answer) {
    CURLcode result = asking->curl.easy_perform(asking->easy);
    if (asking->status != CM_OK) {
        snprintf(answer->reason, sizeof answer->reason, "%s", cm_status_text(asking->status));
        return asking->status;
    }
    (void)asking->curl.easy_getinfo(asking->easy, CURLINFO_RESPONSE_CODE, &answer->code);
    if (result == CURLE_OK)
        return CM_OK;
    snprintf(answer->reason, sizeof answer->reason, "%s",
             cm_curl_reason(&asking->curl, asking->easy, result, asking->reason));
    if (answer->code == 0)
        answer->lacks = find_lack(asking, result);
    return status_of(result);
}

enum cm_status cm_web_ask(const struct cm_web_request *request, struct cm_web_answer *answer) {
    struct asking asking = {.is_secure = strncmp(request->url, "https:", 6) == 0};
    enum cm_status status = CM_NO_MEMORY;
    *answer = (struct cm_web_answer){.reason = "out of memory"};
    if (!cm_curl_load(&asking.curl)) {
        snprintf(answer->reason, sizeof answer->reason,
                 "this needs libcurl, which is not installed");
        return CM_SYSTEM;
    }
    if (asking.curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) /* counted */
        return status;
    asking.easy = asking.curl.easy_init();
    if (asking.easy != NULL && add_headers(&asking, request->token)) {
        set_up(&asking, request);
        status = perform(&asking, answer);
        answer->body = asking.body;
    }
    asking.curl.easy_cleanup(asking.easy);
    asking.curl.slist_free_all(asking.headers);
    asking.curl.global_cleanup();
    return status;
}

void cm_web_answer_deinit(struct cm_web_answer *answer) {
    cm_buf_deinit(&answer->body);
}
