-- wrk: 16 requests in one write.
init = function()
  batch = string.rep(wrk.format("GET"), 16)
end

request = function()
  return batch
end
