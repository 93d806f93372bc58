-- wrk: player reports of many sessions by POST. Arguments: sessions, reports a request, cmcd or beacon, first number.
local sessions, lines, kind, first, sent = 1, 1, "cmcd", 0, 0
local cmcd = 'bl=(6000),br=(2096),cid="demo",e=t,mtp=(92800),sf=h,sid="%08d-http-cmcd",sn=%d,st=l,sta=p,ts=%d,v=2\n'
local beacon = '{"stream":"demo","session":"%08d-http-beacon","seq":%d,"time":%d,"state":"playing","interval":5,'
  .. '"hidden":false,"bufferSeconds":6.1,"variant":"720p","bitsPerSecond":2096000,"latencySeconds":4.2}'

function init(arguments)
  sessions, lines, kind, first = tonumber(arguments[1]), tonumber(arguments[2]), arguments[3], tonumber(arguments[4])
  wrk.method = "POST"
  wrk.path = "/v1/" .. kind
  wrk.headers["Content-Type"] = "text/plain"
end

function request()
  local rows, now = {}, os.time() * 1000
  for line = 1, lines do
    local number = first + math.floor(sent / sessions)
    rows[line] = string.format(kind == "cmcd" and cmcd or beacon, sent % sessions, number, now)
    sent = sent + 1
  end
  if kind == "cmcd" then
    return wrk.format(nil, nil, nil, table.concat(rows))
  end
  return wrk.format(nil, nil, nil, "[" .. table.concat(rows, ",") .. "]")
end
