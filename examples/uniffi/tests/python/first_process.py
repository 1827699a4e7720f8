"""The process that begins a login and ends while the browser is open: prints the URL and what it has stored."""

import json
import sys

from driver import now, send
from oauth_uniffi import Action, Event, LoginHandle, Settings

login = LoginHandle(Settings(**json.loads(sys.argv[1])))
step = login.handle(Event.START(), now())
while isinstance(step, Action.SEND_REQUEST):
    step = login.handle(send(step.request), now())
json.dump({"url": step.url, "saved": login.save()}, sys.stdout)
