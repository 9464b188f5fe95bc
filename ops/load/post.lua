-- wrk posts batches of a file's events, each with a message id of its own, and tells what it was answered.
-- Arguments: the file (a line per event, a tab where its message id goes), events per batch, the key, what this run is called.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  local file, key
  file, events_per_batch, key, run = arguments[1], tonumber(arguments[2]), arguments[3], arguments[4]
  heads, tails = {}, {}
  for line in io.lines(file) do
    local head, tail = line:match("^(.*)\t(.*)$")
    table.insert(heads, head)
    table.insert(tails, tail)
  end
  -- Threads begin at different events, so that customers come mixed.
  place, sent = number * 7919, 0
  accepted, refused, unexplained, other = 0, 0, 0, 0
  wrk.method, wrk.path = "POST", "/v1/batch"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. key
end

function request()
  local batch = {}
  for nth = 1, events_per_batch do
    place, sent = place + 1, sent + 1
    local at = place % #heads + 1
    batch[nth] = heads[at] .. run .. "-" .. number .. "-" .. sent .. tails[at]
  end
  return wrk.format(nil, nil, nil, '{"batch":[' .. table.concat(batch, ",") .. "]}")
end

function response(status, headers, body)
  if status == 200 then
    accepted = accepted + (tonumber(body:match('"accepted":(%d+)')) or 0)
  elseif status == 429 or status == 503 then
    refused = refused + 1
    local named = false
    for name, value in pairs(headers) do
      if name:lower() == "retry-after" and tonumber(value) then named = true end
    end
    if not named then unexplained = unexplained + 1 end
  else
    other = other + 1
  end
end

function done(summary, latency, requests)
  local sums = { accepted = 0, refused = 0, unexplained = 0, other = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(sums) do sums[name] = sums[name] + thread:get(name) end
  end
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"took_us":%d,"p50_us":%.0f,"p99_us":%.0f,"max_us":%.0f,"broken":%d,"late":%d,' ..
    '"accepted":%d,"refused":%d,"unexplained":%d,"other":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write, errors.timeout,
    sums.accepted, sums.refused, sums.unexplained, sums.other))
end
