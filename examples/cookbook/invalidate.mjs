// Tells the caches that the rows of these keys have changed. del deletes Redis keys, by one command:
//
//   redis:    await invalidate((keys) => client.del(keys), 'user:42')
//   ioredis:  await invalidate((keys) => client.del(...keys), 'user:42')
export async function invalidate(del, ...keys) {
  for (const key of keys) {
    await del([key, `aside:{${key}}`])
  }
}
