/** The requests of the vendor's Python client, sent by the library that it sends them with. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { backtrail } from '../cli/running.ts'
import { skipWithout } from '../http/harness.ts'
import { startCloud, Tenant } from './tenant.ts'

const hasRequests = spawnSync('python3', ['-c', 'import requests']).status === 0

/** Each call prints its status and body; the arguments are the address, the name and the password. */
const script = `
import base64, hashlib, io, json, sys, time, requests
host, name, password = sys.argv[1:]
session = dict(auth=(name, password), verify=True, proxies=None, headers={"User-Agent": "ReversingLabs SDK v2.12.0"})
admin = host + "/api/yara/admin/v1/ruleset"
def get(url): return requests.get(url=url, **session)
def post(url, post_json=None): return requests.post(url=url, json=post_json, **session)
def expect(status, response):
    assert response.status_code == status, (response.url, response.status_code, response.text)
    return response
text = 'rule found { strings: $a = "a word to find" condition: $a }'
start = int(time.time())
created = expect(200, post(admin, {"ruleset_name": "from_python", "text": text, "sample_available": True})).json()
assert created["ruleset_sha1"] == hashlib.sha1(text.encode()).hexdigest()
refused = expect(400, post(admin, {"ruleset_name": "from_python", "text": text}))
assert refused.text.strip().startswith("There is already"), refused.text
assert expect(200, get(admin + "/from_python")).json() == {"valid": True, "ruleset_name": "from_python", "approved": True}
assert expect(200, get(admin)).json() == [{"valid": True, "ruleset_name": "from_python", "approved": True}]
assert expect(200, get(admin + "/from_python/text")).json() == {"text": text}
handle = io.BytesIO(b"here is a word to find")
sha1 = hashlib.sha1(handle.getvalue()).hexdigest()
upload = dict(session, headers={**session["headers"], "Content-Type": "application/octet-stream"})
expect(200, requests.post(url=host + "/api/spex/upload/" + sha1, data=handle, **upload))
meta = "<rl><properties><property><name>file_name</name><value>found.txt</value></property></properties><domain></domain></rl>"
expect(200, requests.post(url=host + "/api/spex/upload/" + sha1 + "/meta", data=meta, **upload))
def follow(path):
    value, deadline = start, time.time() + 30
    while time.time() < deadline:
        feed = expect(200, get(host + path + "/query/timestamp/{}?format=json".format(value))).json()["rl"]["feed"]
        if feed["entries"]: return feed
        time.sleep(0.1)
    raise AssertionError("nothing came in " + path)
feed = follow("/api/feed/yara/v1")
assert [(e["sha1"], e["ruleset_name"]) for e in feed["entries"]] == [(sha1, "from_python")]
string = feed["entries"][0]["rule"][0]["matched_data"][0]
assert base64.b64decode(string["matched_string"]) == b"a word to find", string
assert base64.b64decode(string["string_identifier"]) == b"$a", string
for action in ("enable-retro-hunt", "start-retro-hunt"):
    assert expect(200, post(admin + "/" + action, {"ruleset_name": "from_python"})).json() == created
deadline = time.time() + 30
while expect(200, get(admin + "/from_python/status-retro-hunt")).json()["retro_status"] != "FINISHED":
    assert time.time() < deadline
    time.sleep(0.1)
assert len(follow("/api/feed/yara/retro/v1")["entries"]) == 1
expect(400, post(admin + "/cancel-retro-hunt", {"ruleset_name": "from_python"}))
usage = expect(200, get(host + "/api/customer_usage/v1/usage/yara?format=json")).json()
assert usage["rl"]["number_of_active_rulesets"] == 1, usage
expect(200, requests.delete(url=admin + "/from_python", **session)).json()
expect(404, requests.delete(url=admin + "/from_python", **session))
expect(401, requests.get(url=admin, auth=(name, "another password")))
print("all as expected")
`

test('the vendor’s client is understood in everything that it sends', {
  skip: skipWithout(hasRequests, 'python3 with requests is not installed'),
}, async (t) => {
  const cloud = await startCloud(t)
  const tenant = await Tenant.add(cloud, 'acme', { contributes: true })
  const { code, stdout, stderr } = await backtrail(['-c', script, cloud.url, tenant.name, tenant.password], {
    command: 'python3',
  })
  assert.equal(code, 0, stderr)
  assert.equal(stdout, 'all as expected\n')
})
