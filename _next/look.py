"""look.py OUT.png URL [--width 1280] [--height 900] [--dark] [--key test] [--wait 2] [--lang zh] [--js EXPR]: a page as Chromium draws it, and its complaints."""
import argparse, base64, json, subprocess, tempfile, time, urllib.request, socket, shutil
from websockets.sync.client import connect
import warnings; warnings.simplefilter("ignore"); K={}
p=argparse.ArgumentParser(); p.add_argument("out"); p.add_argument("url"); p.add_argument("--width",type=int,default=1280); p.add_argument("--height",type=int,default=900)
p.add_argument("--dark",action="store_true"); p.add_argument("--key",default="test"); p.add_argument("--wait",type=float,default=2); p.add_argument("--lang",default="en-US"); p.add_argument("--js",action="append",default=[]); p.add_argument("--axe",action="store_true"); p.add_argument("--full",action="store_true")
a=p.parse_args()
s=socket.socket(); s.bind(("127.0.0.1",0)); port=s.getsockname()[1]; s.close()
home=tempfile.mkdtemp(prefix="v1-chrome-")
c=subprocess.Popen(["/usr/bin/chromium","--headless","--no-sandbox","--disable-gpu","--hide-scrollbars",f"--user-data-dir={home}",f"--remote-debugging-port={port}",f"--lang={a.lang}",f"--accept-lang={a.lang}","about:blank"],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL)
try:
    for _ in range(100):
        try: t=json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json")); t=[x for x in t if x["type"]=="page"]; assert t; break
        except Exception: time.sleep(.1)
    w=connect(t[0]["webSocketDebuggerUrl"],max_size=None, **K); n=0
    said=[]
    def note(m):
        if m.get("method")=="Log.entryAdded": said.append(m["params"]["entry"].get("text","")+" "+m["params"]["entry"].get("url",""))
        if m.get("method")=="Runtime.exceptionThrown": d=m["params"]["exceptionDetails"]; said.append("THROWN "+json.dumps(d.get("exception",d))[:600])
        if m.get("method")=="Runtime.consoleAPICalled" and m["params"]["type"] in("error","warning"): said.append("CONSOLE "+json.dumps(m["params"]["args"])[:400])
    def do(method,**params):
        global n; n+=1; w.send(json.dumps({"id":n,"method":method,"params":params}))
        while True:
            m=json.loads(w.recv(timeout=30)); note(m)
            if m.get("id")==n: return m.get("result",m)
    def idle(sec):
        end=time.time()+sec
        while time.time()<end:
            try: note(json.loads(w.recv(timeout=max(.01,end-time.time()))))
            except TimeoutError: pass
    for d in ("Page","Runtime","Log","Network"): do(d+".enable")
    do("Emulation.setDeviceMetricsOverride",width=a.width,height=a.height,deviceScaleFactor=1,mobile=a.width<500)
    if a.dark: do("Emulation.setEmulatedMedia",features=[{"name":"prefers-color-scheme","value":"dark"}])
    if a.key: do("Page.addScriptToEvaluateOnNewDocument",source=f"if(!sessionStorage.getItem('kapokmq.key'))sessionStorage.setItem('kapokmq.key',{json.dumps(a.key)})")
    do("Page.navigate",url=a.url); idle(a.wait)
    if a.axe: do("Runtime.evaluate",expression=open("/tmp/v1/axe/node_modules/axe-core/axe.min.js").read()); a.js.append("axe.run().then(r=>r.violations.map(v=>v.impact+\" \"+v.id+\": \"+v.nodes.map(n=>n.html.slice(0,150)).slice(0,3).join(\" || \")))")
    for js in a.js:
        r=do("Runtime.evaluate",expression=js,awaitPromise=True,returnByValue=True); print("js:",json.dumps(r.get("result",{}).get("value",r))[:1500]); idle(.6)
    r=do("Page.captureScreenshot",format="png",captureBeyondViewport=a.full); open(a.out,"wb").write(base64.b64decode(r["data"]))
    over=do("Runtime.evaluate",expression="document.documentElement.scrollWidth+' of '+innerWidth",returnByValue=True)["result"]["value"]
    print("width",over); print("\n".join(said) or "no complaints")
finally:
    c.terminate(); c.wait(); shutil.rmtree(home,ignore_errors=True)
