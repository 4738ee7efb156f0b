/** As much of the optional package as is used: the program must compile where it is not installed. */
declare module '@napi-rs/keyring' {
  export class AsyncEntry {
    constructor(
      service: string,
      username: string,
      options?: { readonly linux?: { readonly store?: 'secret-service' | 'keyutils' } },
    )
    getPassword(): Promise<string | null | undefined>
    setPassword(password: string): Promise<void>
  }
}
