//! What must happen in one step, in Redis's own language. Each script names one key, so that a cluster can place it.

use std::sync::LazyLock;

use redis::Script;

/// Removes KEYS\[1\] if it has the value ARGV\[1\].
pub(crate) static REMOVE_IF: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then
           return redis.call('DEL', KEYS[1])
         end
         return 0",
    )
});

/// Gives KEYS\[1\] to ARGV\[1\] for ARGV\[2\] ms unless somebody else has it.
pub(crate) static HOLD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local holder = redis.call('GET', KEYS[1])
         if holder and holder ~= ARGV[1] then
           return 0
         end
         redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         return 1",
    )
});

/// Adds ARGV\[1\] to KEYS\[1\], which ends ARGV\[2\] ms after its first increment. A counter without an end, whoever left
/// it, gets one.
pub(crate) static ADD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local count = redis.call('INCRBY', KEYS[1], ARGV[1])
         if redis.call('PTTL', KEYS[1]) < 0 then
           redis.call('PEXPIRE', KEYS[1], ARGV[2])
         end
         return count",
    )
});

/// Gives out the next turn at KEYS\[1\]: ARGV is every, ahead and patience, in microseconds; answers whether it was given
/// and how long to wait. By Redis's own clock, so that the nodes' need not agree. Microseconds since the epoch fit into
/// the 53 bits that Lua counts with, but not into the 14 digits that it writes. That clock may be set back, most of all
/// where a replica takes over: turns further away than ARGV\[4\] were given to nobody, and nobody waits for them.
pub(crate) static ADMIT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
         local every, ahead, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
         local given = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now)
         if given > now + tonumber(ARGV[4]) then
           given = now
         end
         local wait = math.max(given - now - ahead, 0)
         if wait > patience then
           return { 0, wait - patience }
         end
         given = given + every
         local span = math.max(math.ceil((given - now) / 1000), 1)
         redis.call('SET', KEYS[1], string.format('%.0f', given), 'PX', string.format('%.0f', span))
         return { 1, wait }",
    )
});

/// Counts one more at KEYS\[1\] where fewer than ARGV\[2\] were in the last ARGV\[1\] microseconds; answers whether it was
/// and else how long to wait. The list has the moments, oldest first, by Redis's clock; those later than now were before
/// that was set back.
pub(crate) static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
         local span, most = tonumber(ARGV[1]), tonumber(ARGV[2])
         local first = function(end_) return tonumber(redis.call('LINDEX', KEYS[1], end_)) end
         local oldest, newest = first(0), first(-1)
         while oldest and oldest <= now - span do
           redis.call('LPOP', KEYS[1])
           oldest = first(0)
         end
         while oldest and newest and newest > now do
           redis.call('RPOP', KEYS[1])
           newest = first(-1)
         end
         if redis.call('LLEN', KEYS[1]) >= most then
           return { 0, first(0) + span - now }
         end
         redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
         redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(span / 1000)))
         return { 1, 0 }",
    )
});

/// Does at KEYS\[1\] all that is ever done: whoever is let do that is let do everything, and a server that has no room, or
/// is a replica, or may not be written to by this user, says so. It begins with what takes room, because Redis asks whether
/// there is any only before a script's first write. Nothing is left; where it breaks off, nothing for longer than ARGV\[1\] ms.
pub(crate) static PROBE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local key = KEYS[1]
         redis.call('PSETEX', key, ARGV[1], 1)
         redis.call('SET', key, 1, 'PX', ARGV[1])
         redis.call('INCRBY', key, 1)
         redis.call('PEXPIRE', key, ARGV[1])
         redis.call('PTTL', key)
         redis.call('GET', key)
         redis.call('TIME')
         redis.call('DEL', key)
         redis.call('RPUSH', key, 1, 2, 3)
         redis.call('PEXPIRE', key, ARGV[1])
         redis.call('LTRIM', key, -2, -1)
         redis.call('LRANGE', key, 0, -1)
         redis.call('LINDEX', key, 0)
         redis.call('LLEN', key)
         redis.call('LPOP', key)
         redis.call('RPOP', key)
         redis.call('UNLINK', key)",
    )
});

/// Puts ARGV\[1\] at the end of the list KEYS\[1\], of which the last ARGV\[2\] stay for ARGV\[3\] ms; anew where ARGV\[4\]
/// is 1.
pub(crate) static WRITE_LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if ARGV[4] == '1' then
           redis.call('UNLINK', KEYS[1])
         end
         redis.call('RPUSH', KEYS[1], ARGV[1])
         redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
         redis.call('PEXPIRE', KEYS[1], ARGV[3])",
    )
});
