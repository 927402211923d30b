// Debian's proxies in front of a service. Each has its own folder and is ended by its process id.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, listening } from "./ports.js";

/**
 * The configuration of each proxy. `plain` is its default way to forward requests, which may not forward
 * WebSockets. `recommended` is the configuration in docs/moving-from-azure.md, with the path prefix
 * `/realtime`, which the proxy removes. The proxy chooses the host that the service sees.
 */
export const PROXIES = {
  nginx: {
    file: "nginx.conf",
    start: (folder) => ["nginx", ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")]],
    plain: (port, service, folder) => nginx(port, folder, `location / { proxy_pass http://${service}; }`),
    recommended: (port, service, folder) =>
      nginx(
        port,
        folder,
        `location /realtime/ {
          proxy_pass http://${service}/;
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
          proxy_read_timeout 100s;
        }`,
      ),
  },
  haproxy: {
    file: "haproxy.cfg",
    start: (folder) => ["haproxy", ["-db", "-f", join(folder, "haproxy.cfg")]],
    plain: (port, service) => haproxy(port, service),
    recommended: (port, service) => haproxy(port, service, "  http-request replace-path /realtime(/.*) \\1"),
  },
  apache: {
    file: "httpd.conf",
    start: (folder) => ["apache2", ["-DFOREGROUND", "-d", folder, "-f", join(folder, "httpd.conf")]],
    plain: (port, service, folder) => apache(port, folder, `ProxyPass / http://${service}/`),
    recommended: (port, service, folder) =>
      apache(port, folder, `ProxyPass /realtime/ http://${service}/ upgrade=websocket timeout=100`),
  },
  caddy: {
    file: "Caddyfile",
    start: (folder) => ["caddy", ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"]],
    plain: (port, service) => caddy(port, `reverse_proxy ${service}`),
    recommended: (port, service) => caddy(port, `handle_path /realtime/* {\n    reverse_proxy ${service}\n  }`),
  },
};

/** Starts a proxy in front of the service and waits until it listens: `{ port, stop }`. */
export async function startProxy(name, way, service) {
  const { file, start, [way]: config } = PROXIES[name];
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const port = await freePort();
  await writeFile(join(folder, file), config(port, new URL(service).host, folder));
  const [program, args] = start(folder);
  const said = [];
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => said.push(data));
  }
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(child, "exit");
  await listening(port, () => child.exitCode === null, 20_000).catch((error) => {
    throw new Error(`${error.message}: ${Buffer.concat(said)}`);
  });
  return {
    port,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      process.off("exit", kill);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function nginx(port, folder, location) {
  return `daemon off;
pid ${folder}/pid;
worker_processes 1;
events {}
http {
  access_log off;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    ${location}
  }
}
`;
}

function haproxy(port, service, rule = "") {
  return `defaults
  mode http
  timeout connect 5s
  timeout client 100s
  timeout server 100s
  timeout tunnel 1h
frontend clients
  bind 127.0.0.1:${port}
${rule}
  default_backend service
backend service
  server one ${service}
`;
}

function apache(port, folder, rule) {
  const modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "deflate", "filter"];
  const load = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n");
  return `ServerName proxy.test
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/error.log
${load}
AddOutputFilterByType DEFLATE text/html text/plain application/json
${rule}
`;
}

function caddy(port, handler) {
  return `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  ${handler}
}
`;
}
