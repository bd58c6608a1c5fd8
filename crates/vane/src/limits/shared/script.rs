//! What the server is asked to do, at once and alone: four scripts of its own language, Lua.
//!
//! A limit per minute takes the time first, in unix seconds; 0 stands for the server's own. All keys begin with
//! `vane:limits:`, and all of them expire when nobody asks any more.

/// A limit per minute: what was counted, by the second in which it was.
///
/// What is counted in second `s` counts until `s + STEPS`. Arguments: time, limit, the least that is
/// of use, the most that is wanted, what was used without asking, then pairs: a second, and what was
/// counted in it and not used. Answers: granted, remaining, seconds until all is there again, seconds
/// until the least fits, the second in which it counts.
pub(super) const WINDOW: &str = r"
local now = tonumber(ARGV[1])
if now == 0 then now = tonumber(redis.call('TIME')[1]) end
local limit, need, want, owed = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local steps, counts, sum = 63, {}, 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local second, count = tonumber(all[i]), tonumber(all[i + 1])
  if second + steps <= now or second > now + steps then
    redis.call('HDEL', KEYS[1], all[i])
  else
    counts[second] = count
    sum = sum + count
  end
end
for i = 6, #ARGV, 2 do
  local second = tonumber(ARGV[i])
  local less = math.min(tonumber(ARGV[i + 1]), counts[second] or 0)
  if less > 0 then
    counts[second] = counts[second] - less
    sum = sum - less
    redis.call('HINCRBY', KEYS[1], ARGV[i], string.format('%d', -less))
  end
end
local free = limit - sum - owed
local granted = 0
if free > 0 and free >= need then granted = math.min(want, free) end
local more = owed + granted
if more > 0 then
  counts[now] = (counts[now] or 0) + more
  sum = sum + more
  redis.call('HINCRBY', KEYS[1], string.format('%d', now), string.format('%d', more))
  redis.call('EXPIRE', KEYS[1], steps * 2)
end
local seconds = {}
for second, count in pairs(counts) do
  if count > 0 then seconds[#seconds + 1] = second end
end
table.sort(seconds)
local resets, wait = 0, 0
if #seconds > 0 then resets = seconds[#seconds] + steps - now end
local excess = sum + need - limit
if granted == 0 and excess > 0 then
  for _, second in ipairs(seconds) do
    excess = excess - counts[second]
    wait = second + steps - now
    if excess <= 0 then break end
  end
end
return {granted, math.max(limit - sum, 0), resets, wait, now}
";

/// Calls at a time: how many places each replica has taken.
///
/// Only replicas that were heard of lately count. Arguments: the replica, the limit, the places it
/// has in any case, how many more it wants. Answers: how many are its own now.
pub(super) const PLACES: &str = r"
local now = tonumber(redis.call('TIME')[1])
local limit, have, want = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local others = 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= ARGV[1] then
    local heard = redis.call('ZSCORE', KEYS[2], all[i])
    if heard and tonumber(heard) + 15 > now then
      others = others + tonumber(all[i + 1])
    else
      redis.call('HDEL', KEYS[1], all[i])
    end
  end
end
local own = math.max(have, math.min(have + want, limit - others))
if own > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', own))
  redis.call('EXPIRE', KEYS[1], 172800)
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return own
";

/// Counts one more of what the key names, which is one span of time. Arguments: the length of the span.
/// Answers: how many there were.
pub(super) const COUNT: &str = r"
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], tonumber(ARGV[1]) * 2) end
return count
";

/// A replica is alive, or takes its leave. Arguments: the replica, whether it stays. Answers: how many
/// are alive.
pub(super) const BEAT: &str = r"
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 15)
if ARGV[2] == '1' then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  redis.call('EXPIRE', KEYS[1], 60)
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return redis.call('ZCARD', KEYS[1])
";

/// Who is alive, by the second in which it was heard of last.
pub(super) const REPLICAS: &str = "vane:limits:replicas";
