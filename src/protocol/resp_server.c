/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "protocol/resp.h"

/* The commands that concern the connection or the server. */

/* ---- the connection ---- */

/* A reply holds no more; see O1 of op/out.h. */
static enum cm_resp_end repeat(const struct cm_resp_request *request, struct cm_slice message) {
    if (message.len > CM_STREAM_ABOVE) {
        return cm_resp_answer(request, CM_SLICE("-ERR the message is too long\r\n"));
    }
    cm_resp_op(request, CM_OP_REPLY, CM_RESP_BULK)->text = message;
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_echo(struct cm_resp_request *request) {
    return repeat(request, request->at[1]);
}

enum cm_resp_end cm_resp_parse_ping(struct cm_resp_request *request) {
    switch (request->count) {
    case 1:
        return cm_resp_answer(request, CM_SLICE("+PONG\r\n"));
    case 2:
        return repeat(request, request->at[1]);
    default:
        return cm_resp_answer(request,
                              CM_SLICE("-ERR wrong number of arguments for 'ping' command\r\n"));
    }
}

enum cm_resp_end cm_resp_parse_quit(struct cm_resp_request *request) {
    return cm_resp_fail(request, CM_RESP_OK);
}

enum cm_resp_end cm_resp_parse_select(struct cm_resp_request *request) {
    int64_t number;
    if (!cm_resp_integer(request->at[1], &number)) {
        return cm_resp_answer(request, CM_RESP_NOT_INTEGER);
    }
    return cm_resp_answer(request,
                          number == 0 ? CM_RESP_OK : CM_SLICE("-ERR DB index is out of range\r\n"));
}

/* With the arguments `user`, 0: the user "default", and `password`. One that is too long to be
 * waited for is nobody's. */
static struct cm_op *login_op(const struct cm_resp_request *request, enum cm_resp_form form,
                              unsigned user, unsigned password) {
    struct cm_op *op = cm_resp_op(request, CM_OP_LOGIN, form);
    op->key = op->value = CM_SLICE("");
    if (!request->cut) {
        op->key = user > 0 ? request->at[user] : CM_SLICE("default");
        op->value = request->at[password];
    }
    return op;
}

/* AUTH PASSWORD, of the user "default", or AUTH USER PASSWORD. */
enum cm_resp_end cm_resp_parse_auth(struct cm_resp_request *request) {
    if (request->count > 3) {
        return cm_resp_answer(request, CM_RESP_SYNTAX);
    }
    const bool named = request->count == 3;
    (void)login_op(request, CM_RESP_TEXT, named ? 1 : 0, named ? 2 : 1);
    return CM_RESP_DONE;
}

static enum cm_resp_end refuse_hello(const struct cm_resp_request *request, unsigned argument) {
    const struct cm_slice pieces[] = {CM_SLICE("Syntax error in HELLO option '"),
                                      request->at[argument], CM_SLICE("'")};
    return cm_resp_complain(request, pieces, 3);
}

/* Whether the argument that is too long is AUTH's user or password, which no error may repeat. */
static bool ends_in_secret(const struct cm_resp_request *request) {
    const unsigned last = request->known - 1;
    return request->cut && ((last >= 3 && cm_resp_is(request->at[last - 1], CM_SLICE("auth"))) ||
                            (last >= 4 && cm_resp_is(request->at[last - 2], CM_SLICE("auth"))));
}

/* Behind the version: AUTH USER PASSWORD, at `*auth` if it is there, and SETNAME NAME. False:
 * answered. */
static bool take_hello_options(const struct cm_resp_request *request, unsigned *auth) {
    for (unsigned i = 2; i < request->known; i++) {
        const struct cm_slice word = request->at[i];
        if (cm_resp_is(word, CM_SLICE("auth")) && i + 2 < request->known) {
            *auth = i;
            i += 2;
        } else if (cm_resp_is(word, CM_SLICE("setname")) && i + 1 < request->known) {
            i++;
        } else {
            (void)refuse_hello(request, i);
            return false;
        }
    }
    return true;
}

static const char noauth[] =
    "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
    "protocol version at the same time\r\n";

enum cm_resp_end cm_resp_parse_hello(struct cm_resp_request *request) {
    int64_t version = 0;
    unsigned auth = 0;
    if (request->count > 1) {
        if (!cm_resp_integer(request->at[1], &version)) {
            return cm_resp_answer(
                request, CM_SLICE("-ERR Protocol version is not an integer or out of range\r\n"));
        }
        if (version != 2 && version != 3) {
            return cm_resp_answer(request, CM_SLICE("-NOPROTO unsupported protocol version\r\n"));
        }
    }
    if (ends_in_secret(request)) {
        (void)login_op(request, CM_RESP_HELLO, 0, 0);
        return CM_RESP_DONE;
    }
    if (request->cut || request->count > CM_RESP_ARGS_MAX) {
        return refuse_hello(request, request->known - 1);
    }
    if (!take_hello_options(request, &auth)) {
        return CM_RESP_DONE;
    }
    if (auth == 0 && request->batch->limits.unauthenticated) {
        return cm_resp_answer(request, cm_slice(noauth, sizeof noauth - 1));
    }
    struct cm_op *op = auth == 0 ? cm_resp_op(request, CM_OP_REPLY, CM_RESP_HELLO)
                                 : login_op(request, CM_RESP_HELLO, auth + 1, auth + 2);
    op->number = (uint64_t)version;
    return CM_RESP_DONE;
}

/* ---- commands of commands ---- */

static enum cm_resp_end unknown_subcommand(const struct cm_resp_request *request,
                                           struct cm_slice help) {
    const struct cm_slice pieces[] = {CM_SLICE("unknown subcommand '"), request->at[1],
                                      CM_SLICE("'. Try "), help, CM_SLICE(" HELP.")};
    return cm_resp_complain(request, pieces, 5);
}

static enum cm_resp_end bad_subarity(const struct cm_resp_request *request, struct cm_slice word) {
    const struct cm_slice pieces[] = {CM_SLICE("wrong number of arguments for '"),
                                      request->command->name, CM_SLICE("|"), word,
                                      CM_SLICE("' command")};
    return cm_resp_complain(request, pieces, 5);
}

/* HELP, whose lines are `help`, or what `name` does not know. */
static enum cm_resp_end help_or_unknown(const struct cm_resp_request *request, struct cm_slice name,
                                        struct cm_slice help) {
    if (!cm_resp_is(request->at[1], CM_SLICE("help"))) {
        return unknown_subcommand(request, name);
    }
    return request->count == 2 ? cm_resp_answer(request, help)
                               : bad_subarity(request, CM_SLICE("help"));
}

static enum cm_resp_end answer_form(const struct cm_resp_request *request, enum cm_resp_form form) {
    (void)cm_resp_op(request, CM_OP_REPLY, form);
    return CM_RESP_DONE;
}

/* Connections have neither names nor numbers here: names are taken and forgotten. */
enum cm_resp_end cm_resp_parse_client(struct cm_resp_request *request) {
    static const struct {
        struct cm_slice word;
        uint32_t count;
        enum cm_resp_form form;
        struct cm_slice line;
    } subcommands[] = {
        {{"setname", 7}, 3, CM_RESP_TEXT, {"+OK\r\n", 5}},
        {{"setinfo", 7}, 4, CM_RESP_TEXT, {"+OK\r\n", 5}},
        {{"getname", 7}, 2, CM_RESP_NIL, {NULL, 0}},
        {{"id", 2}, 2, CM_RESP_TEXT, {":1\r\n", 4}},
    };
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (!cm_resp_is(request->at[1], subcommands[i].word)) {
            continue;
        }
        if (request->count != subcommands[i].count) {
            return bad_subarity(request, subcommands[i].word);
        }
        cm_resp_op(request, CM_OP_REPLY, subcommands[i].form)->text = subcommands[i].line;
        return CM_RESP_DONE;
    }
    return help_or_unknown(request, CM_SLICE("CLIENT"),
                           CM_SLICE("*6\r\n"
                                    "+CLIENT <subcommand>. Subcommands are:\r\n"
                                    "+SETNAME <name>\r\n"
                                    "+SETINFO <attribute> <value>\r\n"
                                    "+GETNAME\r\n"
                                    "+ID\r\n"
                                    "+HELP\r\n"));
}

static enum cm_resp_end answer_count(const struct cm_resp_request *request) {
    struct cm_batch *batch = request->batch;
    char *line = batch->scratch + batch->scratch_used;
    line[0] = ':';
    const size_t digits = cm_num_format_u64(line + 1, cm_resp_command_count());
    memcpy(line + 1 + digits, "\r\n", 2);
    batch->scratch_used += digits + 3;
    return cm_resp_answer(request, cm_slice(line, digits + 3));
}

/* What clients ask when they start; there are no descriptions to give. */
enum cm_resp_end cm_resp_parse_command(struct cm_resp_request *request) {
    if (request->count == 1) {
        return answer_form(request, CM_RESP_NILS);
    }
    if (cm_resp_is(request->at[1], CM_SLICE("count"))) {
        return request->count == 2 ? answer_count(request)
                                   : bad_subarity(request, CM_SLICE("count"));
    }
    if (cm_resp_is(request->at[1], CM_SLICE("docs"))) {
        return answer_form(request, CM_RESP_EMPTY);
    }
    if (cm_resp_is(request->at[1], CM_SLICE("info"))) {
        if (request->count > CM_RESP_ARGS_MAX) {
            return cm_resp_answer(request, CM_SLICE("-ERR too many commands asked for\r\n"));
        }
        cm_resp_op(request, CM_OP_REPLY, CM_RESP_NILS)->number = request->count - 2;
        return CM_RESP_DONE;
    }
    return help_or_unknown(request, CM_SLICE("COMMAND"),
                           CM_SLICE("*5\r\n"
                                    "+COMMAND [<subcommand>]. Subcommands are:\r\n"
                                    "+COUNT\r\n"
                                    "+DOCS [<command> ...]\r\n"
                                    "+INFO [<command> ...]\r\n"
                                    "+HELP\r\n"));
}

/* Of Redis' settings those that benchmarks ask for: nothing is ever saved. */
static enum cm_resp_end config_get(const struct cm_resp_request *request) {
    if (request->count < 3) {
        return bad_subarity(request, CM_SLICE("get"));
    }
    if (request->count > 3) {
        return answer_form(request, CM_RESP_EMPTY);
    }
    if (cm_resp_is(request->at[2], CM_SLICE("save"))) {
        cm_resp_op(request, CM_OP_REPLY, CM_RESP_SETTING)->text =
            CM_SLICE("$4\r\nsave\r\n$0\r\n\r\n");
        return CM_RESP_DONE;
    }
    if (cm_resp_is(request->at[2], CM_SLICE("appendonly"))) {
        cm_resp_op(request, CM_OP_REPLY, CM_RESP_SETTING)->text =
            CM_SLICE("$10\r\nappendonly\r\n$2\r\nno\r\n");
        return CM_RESP_DONE;
    }
    return answer_form(request, CM_RESP_EMPTY);
}

enum cm_resp_end cm_resp_parse_config(struct cm_resp_request *request) {
    if (cm_resp_is(request->at[1], CM_SLICE("get"))) {
        return config_get(request);
    }
    if (cm_resp_is(request->at[1], CM_SLICE("resetstat"))) {
        if (request->count != 2) {
            return bad_subarity(request, CM_SLICE("resetstat"));
        }
        (void)cm_resp_op(request, CM_OP_RESET, CM_RESP_TEXT);
        return CM_RESP_DONE;
    }
    return help_or_unknown(request, CM_SLICE("CONFIG"),
                           CM_SLICE("*4\r\n"
                                    "+CONFIG <subcommand>. Subcommands are:\r\n"
                                    "+GET <pattern>\r\n"
                                    "+RESETSTAT\r\n"
                                    "+HELP\r\n"));
}

/* ---- the server ---- */

enum cm_resp_end cm_resp_parse_flush(struct cm_resp_request *request) {
    const bool plain = request->count == 1 ||
                       (request->count == 2 && (cm_resp_is(request->at[1], CM_SLICE("async")) ||
                                                cm_resp_is(request->at[1], CM_SLICE("sync"))));
    if (!plain) {
        return cm_resp_answer(request, CM_RESP_SYNTAX);
    }
    (void)cm_resp_op(request, CM_OP_FLUSH, CM_RESP_TEXT);
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_dbsize(struct cm_resp_request *request) {
    cm_resp_op(request, CM_OP_STATS, CM_RESP_DBSIZE)->selector = CM_STATS_GENERAL;
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_info(struct cm_resp_request *request) {
    uint64_t sections = request->count == 1 ? cm_resp_sections(CM_SLICE("default")) : 0;
    for (unsigned i = 1; i < request->known; i++) {
        sections |= cm_resp_sections(request->at[i]);
    }
    struct cm_op *op = cm_resp_op(request, CM_OP_STATS, CM_RESP_INFO);
    op->selector = CM_STATS_GENERAL;
    op->number = sections;
    return CM_RESP_DONE;
}
