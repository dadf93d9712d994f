# SPDX-License-Identifier: BSD-3-Clause
# Asks a server everything that Cache::Memcached::Fast can; dies where an answer is not the right one.
use strict;
use warnings;
use Cache::Memcached::Fast;

my ($server, $namespace) = @ARGV;
my $cache = Cache::Memcached::Fast->new({
    servers => [$server], namespace => $namespace, utf8 => 1, max_failures => 0,
    connect_timeout => 60, io_timeout => 60, compress_threshold => 5_000,
});

sub same($$$) {
    my ($what, $got, $expected) = @_;
    $got = 'undef' unless defined $got;
    die "$what: \"$got\" in place of \"$expected\"\n" unless $got eq $expected;
}

same('version', (values %{$cache->server_versions})[0] =~ /^1\.6\./ ? 1 : 0, 1);
same('get of nothing', $cache->get('k'), 'undef');
same('set', $cache->set('k', 'value'), 1);
same('get', $cache->get('k'), 'value');
same('add', $cache->add('k', 'x') ? 1 : 0, 0);
same('replace', $cache->replace('k', 'mid'), 1);
same('append', $cache->append('k', 'dle'), 1);
same('prepend', $cache->prepend('k', 'the '), 1);
same('joined', $cache->get('k'), 'the middle');
same('text', $cache->set('u', "\x{263a} gr\x{fc}\x{df}"), 1);
same('text again', $cache->get('u'), "\x{263a} gr\x{fc}\x{df}");
same('structure', $cache->set('s', {list => [1, 2, 3]}), 1);
same('structure again', $cache->get('s')->{list}[2], 3);
same('large', $cache->set('large', 'x' x 900_000), 1);
same('large again', length $cache->get('large'), 900_000);

same('number', $cache->set('n', 10), 1);
same('incr', $cache->incr('n', 5), 15);
same('decr', $cache->decr('n', 1), 14);
same('decr to the end', $cache->decr('n', 20) + 0, 0);

my $with_cas = $cache->gets('k');
same('cas', $cache->cas('k', $with_cas->[0], 'new'), 1);
same('cas again', $cache->cas('k', $with_cas->[0], 'late') ? 1 : 0, 0);

same('set_multi', scalar(grep { $_ } $cache->set_multi(map { ["m$_", $_ * $_] } 1 .. 500)), 500);
my $many = $cache->get_multi(map { "m$_" } 1 .. 600);
same('get_multi', scalar(keys %$many), 500);
same('one of them', $many->{m25}, 625);
same('delete_multi', scalar(grep { $_ } $cache->delete_multi(map { "m$_" } 1 .. 500)), 500);

same('expired', $cache->set('gone', 1, -1), 1);
same('expired again', $cache->get('gone'), 'undef');
same('touch', $cache->touch('k', 100), 1);
same('delete', $cache->delete('k'), 1);
same('delete again', $cache->delete('k') ? 1 : 0, 0);
same('flush_all', (values %{$cache->flush_all})[0], 1);
same('flushed', $cache->get('u'), 'undef');
print "ok\n";
