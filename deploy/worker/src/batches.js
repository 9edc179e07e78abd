// Lines that wait in a Durable Object's own storage until they lie in R2 as one object.
//
// A line is durable before its writer is answered. A batch is sealed first: its key and its last line are written down.
// Then its object is put, if it is absent, and then its lines are deleted. Killed between any two of these, the object
// goes on with the same key and the same lines, so that nothing is lost and nothing lands twice.
import { DurableObject } from "cloudflare:workers";

const MOST_LINES = 5_000;
const MOST_BYTES = 8 << 20;
const MOST_WAITING_BYTES = 256 << 20;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export class FullError extends Error {}

export class Batches extends DurableObject {
  // landing: the R2 bucket. prefix: ends in a slash; the UTC hour of the sealing follows it. seconds: how long a line
  // waits for others. most: the lines that are enough for a batch.
  constructor(ctx, env, { landing, prefix, seconds, most = MOST_LINES }) {
    super(ctx, env);
    Object.assign(this, { landing, prefix, seconds, most, sql: ctx.storage.sql, failures: 0 });
    this.sql.exec("create table if not exists lines (id integer primary key autoincrement, line text not null)");
    this.sql.exec("create table if not exists sealed (key text not null, last integer not null)");
    const { count, bytes } = this.sql.exec("select count(*) as count, sum(length(line)) as bytes from lines").one();
    Object.assign(this, { count, bytes: bytes ?? 0 });
  }

  // Keep lines; they are durable when this returns to the caller.
  async keep(lines) {
    const bytes = lines.reduce((sum, line) => sum + line.length, 0);
    if (this.bytes + bytes > MOST_WAITING_BYTES) throw new FullError("too much waits for R2");
    this.ctx.storage.transactionSync(() => {
      for (const line of lines) this.sql.exec("insert into lines (line) values (?)", line);
    });
    this.count += lines.length;
    this.bytes += bytes;
    await this.wake(this.count >= this.most && this.failures === 0 ? 0 : this.seconds * 1_000);
  }

  // The number that the next line has: 1 for the first one ever.
  next() {
    return 1 + (this.sql.exec("select max(seq) as last from sqlite_sequence where name = 'lines'").one().last ?? 0);
  }

  // Be woken after so many milliseconds, or before, where that is so already.
  async wake(milliseconds) {
    const at = Date.now() + milliseconds;
    const set = await this.ctx.storage.getAlarm();
    if (set === null || at < set) await this.ctx.storage.setAlarm(at);
  }

  async alarm() {
    try {
      while (await this.land());
      this.failures = 0;
    } catch (error) {
      // The runtime gives up after six tries of its own; these go on until R2 is back.
      console.error(`a batch did not land: ${error.name}`);
      await this.ctx.storage.setAlarm(Date.now() + Math.min(FIRST_PAUSE_MS * 2 ** this.failures++, LONGEST_PAUSE_MS));
    }
  }

  // Put one batch; whether there was one.
  async land() {
    const sealed = this.sealed() ?? this.seal();
    if (!sealed) return false;
    const lines = this.sql.exec("select line from lines where id <= ? order by id", sealed.last).toArray();
    const text = lines.map(({ line }) => line + "\n").join("");
    const body = new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")));
    await this.landing.put(sealed.key, await body.arrayBuffer(), { onlyIf: { etagDoesNotMatch: "*" } });
    this.ctx.storage.transactionSync(() => {
      this.sql.exec("delete from lines where id <= ?", sealed.last);
      this.sql.exec("delete from sealed");
    });
    this.count -= lines.length;
    this.bytes -= lines.reduce((sum, { line }) => sum + line.length, 0);
    return true;
  }

  sealed() {
    return this.sql.exec("select key, last from sealed").toArray()[0];
  }

  seal() {
    let bytes = 0;
    let first = 0;
    let last = 0;
    for (const { id, size } of this.sql.exec("select id, length(line) as size from lines order by id limit ?", MOST_LINES)) {
      if (last && bytes + size > MOST_BYTES) break;
      first ||= id;
      last = id;
      bytes += size;
    }
    if (!last) return undefined;
    const hour = new Date().toISOString().slice(0, 13).replace(/[-T]/g, "/");
    const key = `${this.prefix}${hour}/${this.ctx.id}-${first}-${last}.ndjson.gz`;
    this.sql.exec("insert into sealed (key, last) values (?, ?)", key, last);
    return { key, last };
  }
}
