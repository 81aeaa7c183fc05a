/** What style elements that are made at run time must carry, so that the page's policy allows them. */
export const styleNonce: string = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
