# Serves an MP4 file by GStreamer's RTSP server: FILE h264|h265 CONFIG-INTERVAL.
# Prints "port N" when ready or "missing WHAT". Ends when its standard input does.
import os
import sys
import threading


def until_stdin_ends():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=until_stdin_ends, daemon=True).start()

path, codec, interval = sys.argv[1:4]
user, password = os.environ.get("CAMTEST_USER", ""), os.environ.get("CAMTEST_PASS", "")

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer
except (ImportError, ValueError) as err:
    print("missing", str(err).replace("\n", " "), flush=True)
    sys.exit(0)

Gst.init(None)
for element in ("qtdemux", codec + "parse", "rtp" + codec + "pay"):
    if Gst.ElementFactory.find(element) is None:
        print("missing GStreamer element", element, flush=True)
        sys.exit(0)

quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( filesrc location={quoted} ! qtdemux ! {codec}parse ! "
    f"rtp{codec}pay config-interval={interval} name=pay0 pt=96 )"
)

server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
if user:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print("port", server.get_bound_port(), flush=True)
GLib.MainLoop().run()
